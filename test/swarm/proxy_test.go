//go:build linux

package swarm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// trouble is what a proxy does to what one client asks of the API server.
type trouble string

const (
	dropped     trouble = "answers dropped after commit"
	delayed     trouble = "requests delayed"
	cut         trouble = "watches cut"
	frozen      trouble = "watches frozen"
	expired     trouble = "410 answered"
	busy        trouble = "429 answered"
	unavailable trouble = "503 answered"
)

var troubles = []trouble{dropped, delayed, cut, frozen, expired, busy, unavailable}

// proxy stands between one client and the API server.
type proxy struct {
	name  string
	port  int
	count func(trouble)

	forward httputil.ReverseProxy
	mu      sync.Mutex
	rand    *rand.Rand
	what    trouble
	struck  chan struct{} // closed when the present trouble has struck
	thawed  chan struct{} // of a freeze: closed at its end
	watches map[int64]context.CancelFunc
	next    int64
}

// errDropped is an answer that the client does not get.
var errDropped = errors.New("dropped")

// dropKey marks the context of a request whose answer is dropped.
type dropKey struct{}

func openProxy(t *testing.T, name string, upstream int, seed uint64, count func(trouble)) *proxy {
	t.Helper()
	p := &proxy{name: name, port: freePort(t), count: count, rand: rand.New(rand.NewPCG(seed, 1)), watches: map[int64]context.CancelFunc{}}
	to := &url.URL{Scheme: "https", Host: local(upstream)}
	p.forward = httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("Authorization", "Bearer "+token)
		},
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
			MaxIdleConnsPerHost: 50,
			Protocols:           onlyHTTP1(),
		},
		FlushInterval:  -1,
		ModifyResponse: p.answered,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	l, err := net.Listen("tcp", local(p.port))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return p
}

func onlyHTTP1() *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(true)
	return p
}

// kubeconfig is a file for a client of the proxy.
func (p *proxy) kubeconfig() string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: swarm, cluster: {server: "http://%s"}}]
users: [{name: swarm, user: {}}]
contexts: [{name: swarm, context: {cluster: swarm, user: swarm}}]
current-context: swarm
`, local(p.port))
}

// begin makes trouble until end. What it gives is closed when the trouble has struck.
func (p *proxy) begin(what trouble) (struck <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = what
	p.struck = make(chan struct{})
	switch what {
	case frozen:
		p.thawed = make(chan struct{})
		for range p.watches {
			p.strikes(frozen)
		}
	case cut:
		for _, end := range p.watches {
			p.strikes(cut)
			end()
		}
	}
	return p.struck
}

// strikes notes that a trouble did its harm.
func (p *proxy) strikes(what trouble) {
	p.count(what)
	select {
	case <-p.struck:
	default:
		close(p.struck)
	}
}

func (p *proxy) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = ""
	if p.thawed != nil {
		close(p.thawed)
		p.thawed = nil
	}
}

// ServeHTTP forwards a request, or does to it what the present trouble wants.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	watching := r.URL.Query().Get("watch") != ""
	what, d := p.draw(r, watching)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	switch what {
	case expired:
		refuse(w, http.StatusGone, "Expired", "too old resource version")
		return
	case busy:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "TooManyRequests", "try again later")
		return
	case unavailable:
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", "not now")
		return
	case delayed:
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	case dropped:
		ctx = context.WithValue(ctx, dropKey{}, true)
	}
	if what == cut {
		defer time.AfterFunc(d, cancel).Stop()
	}
	if watching {
		defer p.enter(cancel)()
	}
	p.forward.ServeHTTP(w, r.WithContext(ctx))
}

// draw decides what becomes of a request, and how long it is delayed if it is.
func (p *proxy) draw(r *http.Request, watching bool) (trouble, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	hit := p.rand.IntN(2) == 0
	d := time.Duration(p.rand.IntN(600)) * time.Millisecond
	mutates := r.Method != http.MethodGet
	possible := map[trouble]bool{
		dropped: mutates,
		delayed: !watching,
		cut:     watching,
		expired: r.Method == http.MethodGet && (watching && r.URL.Query().Get("resourceVersion") != "" || r.URL.Query().Get("continue") != ""),
		busy:    true, unavailable: true,
	}[p.what]
	if p.what == expired && hit {
		for _, end := range p.watches { // or none would ask
			end()
		}
	}
	if !hit || !possible {
		return "", 0
	}
	p.strikes(p.what)
	return p.what, d
}

// enter notes a watch that can be cut, and gives its end.
func (p *proxy) enter(end context.CancelFunc) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	n := p.next
	p.watches[n] = end
	if p.what == frozen {
		p.strikes(frozen)
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watches, n)
	}
}

func (p *proxy) answered(r *http.Response) error {
	if r.Request.Context().Value(dropKey{}) != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		return errDropped
	}
	if r.Request.URL.Query().Get("watch") != "" {
		r.Body = &stream{ReadCloser: r.Body, proxy: p, ctx: r.Request.Context()}
	}
	return nil
}

// stream is the answer to a watch.
type stream struct {
	io.ReadCloser
	proxy *proxy
	ctx   context.Context
}

func (s *stream) Read(b []byte) (int, error) {
	n, err := s.ReadCloser.Read(b)
	s.proxy.mu.Lock()
	thawed := s.proxy.thawed
	s.proxy.mu.Unlock()
	if thawed != nil {
		select {
		case <-thawed:
		case <-s.ctx.Done():
		}
	}
	return n, err
}

func refuse(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"code":%d}`, message, reason, code)
}
