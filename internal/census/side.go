package census

import "container/heap"

// spot is where an entry stands under one limit.
type spot struct {
	entry *entry
	side  *side // nil: nowhere
	at    int   // in its side
}

func (s *spot) before(o *spot) bool { return s.entry.before(&o.entry.Member) }

// to takes a spot from its side to another, or to none.
func (s *spot) to(where *side) {
	if s.side != nil {
		heap.Remove(s.side, s.at)
	}
	s.side = where
	if where != nil {
		heap.Push(where, s)
	}
}

// side is a heap of those who are within a limit, or of those who are beyond it.
type side struct {
	spots []*spot
	last  bool   // the last is at the top, not the first
	limit string // that they are beyond, if they are
}

func (s *side) top() *spot {
	if len(s.spots) == 0 {
		return nil
	}
	return s.spots[0]
}

func (s *side) Len() int { return len(s.spots) }

func (s *side) Less(i, j int) bool {
	if s.last {
		i, j = j, i
	}
	return s.spots[i].before(s.spots[j])
}

func (s *side) Swap(i, j int) {
	s.spots[i], s.spots[j] = s.spots[j], s.spots[i]
	s.spots[i].at, s.spots[j].at = i, j
}

func (s *side) Push(x any) {
	spot := x.(*spot)
	spot.at = len(s.spots)
	s.spots = append(s.spots, spot)
}

func (s *side) Pop() any {
	n := len(s.spots) - 1
	spot := s.spots[n]
	s.spots[n] = nil
	s.spots = s.spots[:n]
	return spot
}
