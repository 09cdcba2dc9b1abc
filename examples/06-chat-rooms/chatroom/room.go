package main

import (
	"context"
	"sync"
)

const (
	maxMessages = 200  // that a room remembers
	maxAway     = 1000 // connections that a room remembers while they are away
)

// message is what somebody has said.
type message struct {
	From  string `json:"from"`
	Text  string `json:"text"`
	Epoch string `json:"epoch"` // of the process that heard it
}

// room is the state of one key. Its messages are numbered from 0 on, from its first process on if they are kept.
type room struct {
	name, epoch string

	mu      sync.Mutex
	said    []message // the latest
	left    int       // how many before them are not remembered
	loaded  int       // the number of the first message of this process
	members int
	news    chan struct{}  // closed when the next message comes
	away    map[string]int // by the name of a connection that has gone: the number of the first message that it was not told
}

// newRoom is a room in which that was said already.
func newRoom(name, epoch string, said []message) *room {
	return &room{name: name, epoch: epoch, said: said, loaded: len(said), news: make(chan struct{}), away: map[string]int{}}
}

// view is what a client sees of a room.
type view struct {
	Room     string    `json:"room"`
	Epoch    string    `json:"epoch"`
	Members  int       `json:"members"`
	Messages []message `json:"messages"`
}

func (r *room) view() view {
	r.mu.Lock()
	defer r.mu.Unlock()
	return view{r.name, r.epoch, r.members, append([]message{}, r.said...)}
}

// say adds a message, and lets whoever waits for it go on.
func (r *room) say(m message) {
	m.Epoch = r.epoch
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, m)
	if n := len(r.said) - maxMessages; n > 0 {
		r.said, r.left = r.said[n:], r.left+n
	}
	close(r.news)
	r.news = make(chan struct{})
}

// from waits until there is a message of that number or a later one, and returns those, and the number of the next one.
func (r *room) from(ctx context.Context, n int) ([]message, int, error) {
	for {
		r.mu.Lock()
		next, news := r.left+len(r.said), r.news
		all := append([]message{}, r.said[min(max(0, n-r.left), len(r.said)):]...)
		r.mu.Unlock()
		if len(all) > 0 {
			return all, next, nil
		}
		select {
		case <-ctx.Done():
			return nil, n, context.Cause(ctx)
		case <-news:
		}
	}
}

// enter lets a connection in, and says from which message on it is to be told. One that comes back after the room has slept, or its
// process was killed, has heard all that earlier processes told, and nothing of this one; one that was away for a moment goes on.
func (r *room) enter(connection string, back bool) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members++
	n, known := r.away[connection]
	delete(r.away, connection)
	switch {
	case !back:
		return 0
	case known:
		return n
	}
	return r.loaded
}

// exit remembers what a connection that goes was not told.
func (r *room) exit(connection string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members--
	if len(r.away) >= maxAway {
		clear(r.away)
	}
	r.away[connection] = n
}
