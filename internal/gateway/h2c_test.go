package gateway_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// rawH2C is a pod that speaks HTTP/2, and does with each request what the test wants. It hangs up when that says false.
func rawH2C(t *testing.T, talk func(f *http2.Framer, stream uint32, conn int) bool) string {
	return rawPod(t, func(conn net.Conn, n int) {
		_, _ = io.ReadFull(conn, make([]byte, len(http2.ClientPreface)))
		f := http2.NewFramer(conn, conn)
		_ = f.WriteSettings()
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if s, ok := frame.(*http2.SettingsFrame); ok && !s.IsAck() {
				_ = f.WriteSettingsAck()
			}
			if h, ok := frame.(*http2.HeadersFrame); ok && !talk(f, h.StreamID, n) {
				return
			}
		}
	})
}

// answerH2C answers 200 and nothing else.
func answerH2C(f *http2.Framer, stream uint32) bool {
	const status200 = "\x88" // in the static table of HPACK
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte(status200), EndHeaders: true, EndStream: true}) == nil
}

// 000-18: over a connection that many requests share, only what the pod has refused to look at is sent again.
func TestOnlyTheRefusedIsSentAgain(t *testing.T) {
	for _, tt := range []struct {
		name   string
		first  func(f *http2.Framer, stream uint32) bool // what the pod does with the first request
		reason answer.Reason                             // of the answer; empty: it is sent again
	}{
		{"REFUSED_STREAM", func(f *http2.Framer, s uint32) bool { return f.WriteRSTStream(s, http2.ErrCodeRefusedStream) == nil }, ""},
		{"GOAWAY before it", func(f *http2.Framer, s uint32) bool { return f.WriteGoAway(s-1, http2.ErrCodeNo, nil) == nil }, ""},
		{"GOAWAY behind it, and hung up", func(f *http2.Framer, s uint32) bool {
			_ = f.WriteGoAway(s, http2.ErrCodeNo, nil)
			return false
		}, answer.ReasonPodDied},
		{"INTERNAL_ERROR", func(f *http2.Framer, s uint32) bool { return f.WriteRSTStream(s, http2.ErrCodeInternal) == nil }, answer.ReasonBadAnswer},
		{"CANCEL", func(f *http2.Framer, s uint32) bool { return f.WriteRSTStream(s, http2.ErrCodeCancel) == nil }, answer.ReasonBadAnswer},
		{"hung up", func(*http2.Framer, uint32) bool { return false }, answer.ReasonPodDied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var delivered atomic.Int64
			pod := rawH2C(t, func(f *http2.Framer, s uint32, _ int) bool {
				if delivered.Add(1) == 1 {
					return tt.first(f, s)
				}
				return answerH2C(f, s)
			})
			w := newWorld(t, chess())
			w.publishAs(true, "a", "pod-a", pod, 1)
			res, body := w.get("a", "/")
			if tt.reason == "" {
				if res.StatusCode != 200 || delivered.Load() != 2 {
					t.Errorf("got %s %s, sent %d times", res.Status, body, delivered.Load())
				}
				return
			}
			if doc := wantProblem(t, res, body, 502, tt.reason); doc["outcome"] != "unknown" || delivered.Load() != 1 {
				t.Errorf("%v, sent %d times", doc, delivered.Load())
			}
		})
	}
}

// A body of which a part was taken is not sent a second time, and its client is told that nobody acted on it.
func TestRefusedWithItsBody(t *testing.T) {
	var bodies atomic.Int64
	pod := rawH2C(t, func(f *http2.Framer, s uint32, _ int) bool {
		bodies.Add(1)
		for {
			frame, err := f.ReadFrame()
			if _, ok := frame.(*http2.DataFrame); ok || err != nil {
				return f.WriteRSTStream(s, http2.ErrCodeRefusedStream) == nil
			}
		}
	})
	w := newWorld(t, chess())
	w.publishAs(true, "a", "pod-a", pod, 1)
	from, to := io.Pipe()
	time.AfterFunc(10*time.Second, func() { _ = to.Close() }) // if all else fails
	go func() { _, _ = to.Write([]byte("e4")) }()
	res, body := w.do(w.request("POST", "a", "/", from))
	if doc := wantProblem(t, res, body, 502, answer.ReasonPodUnreachable); doc["outcome"] != "not-sent" || bodies.Load() != 1 {
		t.Errorf("%v, sent %d times", doc, bodies.Load())
	}
	_ = to.Close()
}

// h2cPod is a pod that speaks HTTP/2, with at most so many streams on a connection.
func h2cPod(t *testing.T, streams int, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{Handler: h, Protocols: protocols, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: streams}, ReadHeaderTimeout: time.Second}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// Requests share connections, as far as the pod allows it.
func TestConnectionsAreShared(t *testing.T) {
	for name, tt := range map[string]struct{ streams, least, most int }{
		"all one":      {100, 1, 1},
		"four on each": {4, 5, 20},
	} {
		t.Run(name, func(t *testing.T) {
			const requests = 20
			var in atomic.Int64
			all := make(chan struct{})
			w := newWorld(t, chess())
			w.publishAs(true, "a", "pod-a", h2cPod(t, tt.streams, func(_ http.ResponseWriter, r *http.Request) {
				if in.Add(1) == requests {
					close(all)
				}
				select {
				case <-all:
				case <-r.Context().Done():
				}
			}), 1)
			var callers sync.WaitGroup
			for range requests {
				callers.Go(func() {
					if res, body := w.get("a", "/"); res.StatusCode != 200 {
						t.Errorf("got %s %s", res.Status, body)
					}
				})
			}
			callers.Wait()
			if n := int(w.metric("dormouse_gateway_dials_total", "opened")); n < tt.least || n > tt.most {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// A page that waits takes a place on a connection while it does, and no longer.
func TestPagesTakeNoPlaceOnASharedConnection(t *testing.T) {
	w := newWorld(t, chess())
	held, let := make(chan struct{}), make(chan struct{})
	w.publishAs(true, "a", "pod-a", h2cPod(t, 3, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			close(held)
			<-let
		}
	}), 1)
	done := make(chan struct{})
	go func() { defer close(done); w.get("a", "/held") }()
	<-held
	for range 5 {
		if _, body := w.get("a", "/.well-known/dormouse/v1/progress?of=%2F"); !strings.Contains(body, "event: ready") {
			t.Fatalf("got %s", body)
		}
	}
	if res, body := w.get("a", "/"); res.StatusCode != 200 {
		t.Errorf("got %s %s", res.Status, body)
	}
	close(let)
	<-done
	if n := w.metric("dormouse_gateway_dials_total", "opened"); n != 1 {
		t.Errorf("%v connections", n)
	}
}

// A client that goes away ends its own request, and no other on the same connection.
func TestClientGoneOnASharedConnection(t *testing.T) {
	in, gone, release := make(chan struct{}, 2), make(chan struct{}), make(chan struct{})
	w := newWorld(t, chess())
	w.publishAs(true, "a", "pod-a", h2cPod(t, 100, func(rw http.ResponseWriter, r *http.Request) {
		in <- struct{}{}
		if r.URL.Path == "/stays" {
			<-release
			_, _ = io.WriteString(rw, "done")
			return
		}
		<-r.Context().Done()
		close(gone)
	}), 1)
	var stays sync.WaitGroup
	stays.Go(func() {
		if res, body := w.get("a", "/stays"); res.StatusCode != 200 || body != "done" {
			t.Errorf("got %s %q", res.Status, body)
		}
	})
	<-in
	ctx, cancel := context.WithCancel(t.Context())
	var goes sync.WaitGroup
	goes.Go(func() {
		if res, err := speaks.transport.RoundTrip(w.request("POST", "a", "/goes", strings.NewReader("e4")).WithContext(ctx)); err == nil {
			t.Errorf("got %s", res.Status)
		}
	})
	<-in
	cancel()
	<-gone
	goes.Wait()
	close(release)
	stays.Wait()
	if n := w.metric("dormouse_gateway_dials_total", "opened"); n != 1 {
		t.Errorf("%v connections", n)
	}
}
