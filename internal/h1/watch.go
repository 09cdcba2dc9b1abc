package h1

import (
	"context"
	"sync"
	"time"
)

// lazyContext is the context of a request. It looks whether the client has gone from the moment on that somebody asks for its end, and not before:
// that takes a goroutine.
type lazyContext struct {
	context.Context // of the server
	of              *turn

	mu     sync.Mutex
	inner  context.Context // nil: nobody has asked
	cancel context.CancelFunc
	ended  bool
}

// Done begins to watch.
func (c *lazyContext) Done() <-chan struct{} {
	inner, first := c.ask()
	if first {
		c.of.watch()
	}
	return inner.Done()
}

func (c *lazyContext) ask() (inner context.Context, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner != nil {
		return c.inner, false
	}
	c.inner, c.cancel = context.WithCancel(c.Context)
	if c.ended {
		c.cancel()
	}
	return c.inner, !c.ended
}

func (c *lazyContext) asked() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inner
}

// Err is why it has ended, as far as anybody has watched.
func (c *lazyContext) Err() error {
	if inner := c.asked(); inner != nil {
		return inner.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return context.Canceled
	}
	return c.Context.Err()
}

// Value is that of the server's context. It lets contexts that are derived find the one that ends.
func (c *lazyContext) Value(key any) any {
	if inner := c.asked(); inner != nil {
		return inner.Value(key)
	}
	return c.Context.Value(key)
}

// end ends it: the client has gone, or its request is over.
func (c *lazyContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}

// watcher reads a connection while a request is served, to see whether the client goes. What it reads stays in the buffer. The lock of the turn guards it.
type watcher struct {
	wanted bool
	over   chan struct{} // closed when it has ended; nil: it does not run
}

// watch begins to watch, or will as soon as the body has been read: until then, the client is heard there.
func (t *turn) watch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watcher.wanted = true
	t.look()
}

// look starts the watcher, if there is something to watch for. The lock is held.
func (t *turn) look() {
	if !t.watcher.wanted || t.watcher.over != nil || t.finished || t.hijacked || !t.ended || len(t.conn.in.buffered()) > 0 {
		return
	}
	t.watcher.over = make(chan struct{})
	_ = t.conn.SetReadDeadline(time.Time{})
	go t.listen(t.watcher.over)
}

func (t *turn) listen(over chan struct{}) {
	defer close(over)
	err := t.conn.in.more(bufferSize)
	if err != nil && !isTimeout(err) {
		t.ctx.end()
	}
}

// settle ends whatever reads the connection, the watcher or a reader of the body. From here on nobody does but the connection's own goroutine.
func (t *turn) settle() {
	t.mu.Lock()
	if t.finished { // and the connection may be another's
		t.mu.Unlock()
		return
	}
	t.finished = true
	over, unread := t.watcher.over, !t.ended
	reads := over != nil || unread
	if reads {
		_ = t.conn.SetReadDeadline(past)
	}
	t.mu.Unlock()
	if over != nil {
		<-over
	}
	if unread {
		t.reading.Lock()
		defer t.reading.Unlock()
	}
	if reads {
		_ = t.conn.SetReadDeadline(time.Time{})
	}
	if reads || t.timed {
		t.conn.until = time.Time{}
	}
}

var past = time.Unix(1, 0)
