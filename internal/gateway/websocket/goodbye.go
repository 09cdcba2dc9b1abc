package websocket

import "sync"

// Goodbye is that of one end. Whoever sees it says so: an end may say it again, and to several who listen to it one after the other.
type Goodbye struct {
	once sync.Once
	said chan struct{}
}

// NewGoodbye is one that nobody has said yet.
func NewGoodbye() *Goodbye { return &Goodbye{said: make(chan struct{})} }

// Say says it, once or again.
func (g *Goodbye) Say() { g.once.Do(func() { close(g.said) }) }

// Said is closed when it was said.
func (g *Goodbye) Said() <-chan struct{} { return g.said }
