package h1_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dormouse-dev/dormouse/internal/h1"
)

// lateBody has all of its bytes at once, and its end when somebody says so.
type lateBody struct {
	text string
	end  chan error
}

func (b *lateBody) Read(p []byte) (int, error) {
	if n := copy(p, b.text); n > 0 {
		b.text = b.text[n:]
		return n, nil
	}
	return 0, <-b.end
}

// A body that was sent whole and breaks off then has no part in the next request over its connection.
func TestEndOfABodyThatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		conn := h1.NewConn(ours, 1<<10, time.Now)
		answers := make(chan struct{}, 1)
		go func() {
			defer func() { _ = theirs.Close() }()
			for r := bufio.NewReader(theirs); ; {
				q, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, q.Body)
				<-answers
				_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}()
		body := &lateBody{text: "move", end: make(chan error)}
		_ = conn.Reserve()
		first := &h1.Request{Head: []byte("POST / HTTP/1.1\r\nHost: a\r\n"), Method: "POST", Body: body, Length: 4}
		answers <- struct{}{}
		if _, err := conn.Send(t.Context(), first); err != nil || conn.Reserve() != nil {
			t.Fatal(err, conn.Err())
		}
		second := make(chan error, 1)
		go func() {
			_, err := conn.Send(t.Context(), &h1.Request{Head: []byte("GET / HTTP/1.1\r\nHost: a\r\n"), Method: "GET"})
			second <- err
		}()
		<-time.After(time.Second) // it is watched by now
		body.end <- errors.New("the client has gone")
		first.Wait()
		synctest.Wait()
		answers <- struct{}{}
		if err := <-second; err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	})
}
