package gateway

import (
	"sync"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// sleepers are the connections that are open while their sessions sleep, by session. Nobody else holds anything for them.
type sleepers struct {
	mu sync.Mutex
	by map[directory.ID]map[*dormancy]struct{}
}

// enter puts a connection in, and gives what takes it out. It is roused once: its session may have come back before it was in.
func (s *sleepers) enter(d *dormancy) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := d.target.ID
	if s.by == nil {
		s.by = map[directory.ID]map[*dormancy]struct{}{}
	}
	if s.by[id] == nil {
		s.by[id] = map[*dormancy]struct{}{}
	}
	s.by[id][d] = struct{}{}
	d.gateway.Metrics.hibernated.Inc()
	poke(d.roused)
	return func() { s.leave(d) }
}

func (s *sleepers) leave(d *dormancy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := d.target.ID
	delete(s.by[id], d)
	if len(s.by[id]) == 0 {
		delete(s.by, id)
	}
	d.gateway.Metrics.hibernated.Dec()
}

// Rouse says that a session is reachable: its WebSockets that were open while it slept are opened again at its pod. It does not block.
func (g *Gateway) Rouse(id directory.ID) {
	s := &g.sleepers
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range s.by[id] {
		poke(d.roused)
	}
}
