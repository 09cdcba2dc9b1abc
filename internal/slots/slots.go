// Package slots holds the limit on how many sessions of a template have a pod at once: who has a place, and who waits for
// one, first come first served. It knows nothing of Kubernetes.
package slots

import (
	"slices"
	"sync"
)

// ID names something that takes a place.
type ID struct{ Namespace, Name string }

// Slots counts places by group. The zero value is empty and ready; it is safe for concurrent use.
type Slots struct {
	// Freed is called, without a lock held, for each ID that waited and now may take a place.
	Freed func(ID)

	mu     sync.Mutex
	groups map[ID]*group
}

type group struct {
	limit   int
	holders map[ID]bool
	waiting []ID
}

// Seed makes sure that a group is known, with its holders of now: those that had their place before this process began.
// It asks for them only once for each group.
func (s *Slots) Seed(of ID, holders func() ([]ID, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[of] != nil {
		return nil
	}
	ids, err := holders()
	if err != nil {
		return err
	}
	g := &group{holders: map[ID]bool{}}
	for _, id := range ids {
		g.holders[id] = true
	}
	if s.groups == nil {
		s.groups = map[ID]*group{}
	}
	s.groups[of] = g
	return nil
}

// Room says whether id has a place, or could take one now. A limit below 1 is none.
func (s *Slots) Room(of, id ID, limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.group(of, limit).room(id)
}

// Take gives id a place, and says whether there was one.
func (s *Slots) Take(of, id ID, limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(of, limit)
	if !g.room(id) {
		return false
	}
	g.take(id)
	return true
}

// Hold gives id a place whatever the limit is: it has its pod.
func (s *Slots) Hold(of, id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known(of).take(id)
}

// Wait puts id at the end of the queue, if it does not stand there.
func (s *Slots) Wait(of, id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.known(of); !g.holders[id] && !slices.Contains(g.waiting, id) {
		g.waiting = append(g.waiting, id)
	}
}

// Free takes id's place and its turn in the queue away, and calls those who may have a place now.
func (s *Slots) Free(of, id ID) {
	for _, next := range s.free(of, id) {
		s.Freed(next)
	}
}

func (s *Slots) free(of, id ID) []ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[of]
	if g == nil {
		return nil
	}
	at := slices.Index(g.waiting, id)
	if at < 0 && !g.holders[id] {
		return nil
	}
	if at >= 0 {
		g.waiting = slices.Delete(g.waiting, at, at+1)
	}
	delete(g.holders, id)
	return slices.Clone(g.waiting[:g.within(len(g.waiting))])
}

func (s *Slots) group(of ID, limit int) *group {
	g := s.known(of)
	g.limit = limit
	return g
}

func (s *Slots) known(of ID) *group {
	if s.groups == nil {
		s.groups = map[ID]*group{}
	}
	if s.groups[of] == nil {
		s.groups[of] = &group{holders: map[ID]bool{}}
	}
	return s.groups[of]
}

// room says whether id stands within the free places of the queue; one that does not stand there yet comes last.
func (g *group) room(id ID) bool {
	if g.limit < 1 || g.holders[id] {
		return true
	}
	place := slices.Index(g.waiting, id)
	if place < 0 {
		place = len(g.waiting)
	}
	return place < g.limit-len(g.holders)
}

// within is how many of n the free places are enough for.
func (g *group) within(n int) int {
	if g.limit < 1 {
		return n
	}
	return max(0, min(n, g.limit-len(g.holders)))
}

func (g *group) take(id ID) {
	g.holders[id] = true
	if at := slices.Index(g.waiting, id); at >= 0 {
		g.waiting = slices.Delete(g.waiting, at, at+1)
	}
}
