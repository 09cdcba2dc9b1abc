package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

func TestTrailers(t *testing.T) {
	w := awake(t, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		rw.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(rw, "move")
		rw.Header().Set("X-Sum", r.Trailer.Get("X-Checked"))
		rw.Header().Set(http.TrailerPrefix+"X-Late", "yes")
	})
	r := w.request("POST", "a", "/", io.MultiReader(strings.NewReader("e4")))
	r.Trailer = http.Header{"X-Checked": {"42"}, "X-Forwarded-User": {"root"}}
	res, err := speaks.transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || string(body) != "move" || res.Trailer.Get("X-Sum") != "42" || res.Trailer.Get("X-Late") != "yes" {
		t.Errorf("got %q, %v, trailers %v", body, err, res.Trailer)
	}
}

// 100-continue comes from the gateway only after the wake: until then the client keeps its body.
func TestContinueAfterTheWake(t *testing.T) {
	w := newWorld(t, chess())
	pod := newPod(t, echo)
	held, release := make(chan struct{}), make(chan struct{})
	w.wakeBy(func(context.Context, directory.Wish) error {
		close(held)
		<-release
		w.publish("a", "pod-a", pod, 1)
		return nil
	})
	told := make(chan struct{}, 10)
	r := w.request("POST", "a", "/", strings.NewReader("move"))
	r.Header.Set("Expect", "100-continue")
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got100Continue: func() { told <- struct{}{} }}))
	transport := speaks.transport.Clone()
	transport.ExpectContinueTimeout = time.Minute
	defer transport.CloseIdleConnections()
	go func() {
		<-held
		select {
		case <-told:
			t.Error("was told to go on while it was held")
		default:
		}
		close(release)
	}()
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); !strings.Contains(string(body), `"Body":"move"`) {
		t.Errorf("got %s %s", res.Status, body)
	}
}

func TestRange(t *testing.T) {
	w := awake(t, func(rw http.ResponseWriter, r *http.Request) {
		http.ServeContent(rw, r, "game.txt", time.Unix(1, 0), strings.NewReader("0123456789"))
	})
	r := w.request("GET", "a", "/", nil)
	r.Header.Set("Range", "bytes=2-5")
	if res, body := w.do(r); res.StatusCode != 206 || body != "2345" || res.Header.Get("Content-Range") != "bytes 2-5/10" {
		t.Errorf("got %s %q %v", res.Status, body, res.Header)
	}
}

// An event reaches the client when it is written, and not when the next one is.
func TestServerSentEvents(t *testing.T) {
	seen := make(chan struct{})
	w := awake(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(rw, "data: %d\n\n", i)
			_ = http.NewResponseController(rw).Flush()
			<-seen
		}
	})
	res, err := speaks.transport.RoundTrip(w.request("GET", "a", "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	events := bufio.NewReader(res.Body)
	for i := range 3 {
		if line, err := events.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("got %q, %v", line, err)
		}
		_, _ = events.ReadString('\n')
		seen <- struct{}{}
	}
}

// 3 MiB go up while they are made: the pod has each part before the client makes the next one.
func TestUploadIsNotBuffered(t *testing.T) {
	const part, parts = 64 << 10, 48
	got := make(chan struct{})
	w := awake(t, func(rw http.ResponseWriter, r *http.Request) {
		n := 0
		for range parts {
			if _, err := io.CopyN(io.Discard, r.Body, part); err != nil {
				t.Error(err)
				break
			}
			n++
			got <- struct{}{}
		}
		_, _ = fmt.Fprint(rw, n)
	})
	from, to := io.Pipe()
	go func() {
		for range parts {
			_, _ = to.Write(bytes.Repeat([]byte{'x'}, part))
			<-got
		}
		_ = to.Close()
	}()
	if res, body := w.do(w.request("PUT", "a", "/", from)); res.StatusCode != 200 || body != fmt.Sprint(parts) {
		t.Errorf("got %s %q", res.Status, body)
	}
}

// Client and application talk in turns, in one request.
func TestFullDuplex(t *testing.T) {
	w := awake(t, func(rw http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(rw)
		_ = control.EnableFullDuplex()
		rw.WriteHeader(http.StatusOK)
		_ = control.Flush()
		for lines := textproto.NewReader(bufio.NewReader(r.Body)); ; {
			line, err := lines.ReadLine()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(rw, "heard %s\n", line)
			_ = control.Flush()
		}
	})
	from, to := io.Pipe()
	res, err := speaks.transport.RoundTrip(w.request("POST", "a", "/", from))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answers := bufio.NewReader(res.Body)
	for i := range 3 {
		_, _ = fmt.Fprintf(to, "%d\n", i)
		if line, err := answers.ReadString('\n'); err != nil || line != fmt.Sprintf("heard %d\n", i) {
			t.Fatalf("got %q, %v", line, err)
		}
	}
	_ = to.Close()
	if rest, err := io.ReadAll(answers); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v at the end", rest, err)
	}
}
