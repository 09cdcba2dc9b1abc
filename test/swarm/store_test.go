//go:build linux

package swarm

import (
	"fmt"
	"sync"
)

// store keeps the counts outside of the pods, for the writer with the highest fence.
type store struct {
	mu      sync.Mutex
	records map[string]record
	refused []string // writes of pods that were not the last of their key
}

type record struct{ fence, count int64 }

// load takes a record over: from then on earlier pods of the key are refused. The fence of two pods is never the same.
func (s *store) load(key string, fence int64) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[key]
	if fence <= r.fence {
		return 0, s.refuse("a pod of %s with fence %s loads after one with %s", key, fenceText(fence), fenceText(r.fence))
	}
	s.records[key] = record{fence, r.count}
	return r.count, nil
}

func (s *store) save(key string, fence, count int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[key]; fence != r.fence {
		return s.refuse("a pod of %s with fence %s saves after one with %s has loaded", key, fenceText(fence), fenceText(r.fence))
	}
	s.records[key] = record{fence, count}
	return nil
}

func (s *store) refuse(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	s.refused = append(s.refused, err.Error())
	return err
}

func (s *store) count(key string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[key].count
}

// fenceText is the second in which the Session was made, and the epoch.
func fenceText(fence int64) string { return fmt.Sprintf("%d/%d", fence>>20, fence&(1<<20-1)) }
