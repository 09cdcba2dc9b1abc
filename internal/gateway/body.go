package gateway

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// clientBody is a request's body that knows whether anything was taken from it, and whether the client spoilt it. A nil
// one is that of a request without a body.
type clientBody struct {
	from io.ReadCloser
	// trailers are those of the client's request, and of ours: who reads the body up to its end has them.
	trailers, ours http.Header

	mu   sync.Mutex // the reader may outlive the round trip
	read bool
	err  error // other than io.EOF
}

// Read notes what happens.
func (b *clientBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read = true
	if err != nil && !errors.Is(err, io.EOF) && b.err == nil {
		b.err = err
	}
	if errors.Is(err, io.EOF) {
		for name := range b.ours {
			b.ours[name] = b.trailers[name]
		}
	}
	return n, err
}

// Close closes the body.
func (b *clientBody) Close() error { return b.from.Close() }

// touched says whether a second reader would miss a part.
func (b *clientBody) touched() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read
}

// fault is what the client did to its body.
func (b *clientBody) fault() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if errors.Is(b.err, http.ErrBodyReadAfterClose) {
		return nil
	}
	return b.err
}
