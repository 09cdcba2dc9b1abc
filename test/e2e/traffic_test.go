package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// traffic is what clients do: each one counts a key up, thinks, and goes on with the same key or another.
type traffic struct {
	world   *world
	keys    int
	clients int
	think   time.Duration // at most
	lasts   time.Duration
	stop    <-chan struct{}   // ends it before, if it is closed
	excused func(answer) bool // whether a gateway may refuse a request now with that answer; nil: never
}

// tally is what came of it.
type tally struct {
	mu      sync.Mutex
	lasted  time.Duration
	took    []time.Duration  // of each request that was served
	acked   map[string]int64 // of each key, how often it was counted up
	lost    map[string]int64 // of each key, how often nobody knows, because a gateway was killed
	turned  int              // requests that a killed gateway did not take, and another one did
	refused map[string]int   // requests that a gateway refused with an excuse, by reason
	faults  []string         // all else
}

// A client may wait as long as a start may take, and a bit.
const patience = 90 * time.Second

// run sends the traffic, and returns when the last request has been answered.
func (t traffic) run(ctx context.Context) *tally {
	sum := &tally{acked: map[string]int64{}, lost: map[string]int64{}, refused: map[string]int{}}
	ctx, cancel := context.WithTimeout(ctx, t.lasts+patience)
	defer cancel()
	began, over := time.Now(), time.After(t.lasts)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range t.clients {
		clients.Go(func() {
			c := &caller{traffic: t, sum: sum, last: map[string]answer{}}
			c.run(ctx, stop)
		})
	}
	select {
	case <-over:
	case <-t.stop:
	case <-ctx.Done():
	}
	close(stop)
	clients.Wait()
	sum.lasted = time.Since(began).Round(time.Second)
	return sum
}

// caller is one client.
type caller struct {
	traffic
	sum  *tally
	last map[string]answer // of each key
}

func (c *caller) run(ctx context.Context, stop <-chan struct{}) {
	for key := ""; ; {
		if key == "" || rand.IntN(2) == 0 {
			key = c.key(rand.IntN(c.keys))
		}
		c.call(ctx, key)
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-time.After(rand.N(c.think + 1)):
		}
	}
}

func (t traffic) key(i int) string { return fmt.Sprintf("k%02d", i) }

// call counts a key up once. Only a gateway that was killed may let it down; another one takes a request that the killed
// one has not taken.
func (c *caller) call(ctx context.Context, key string) {
	for {
		g := c.gateway()
		a, err := g.do(ctx, http.MethodPost, c.world.path(key))
		var dial *net.OpError
		switch {
		case err == nil:
			c.check(key, a)
			return
		case !g.killed.Load():
			c.sum.fault("%s by way of %s: %v", key, g.pod.Name, err)
			return
		case errors.As(err, &dial) && dial.Op == "dial":
			g.down.Store(true)
			c.sum.turn()
		default:
			g.down.Store(true)
			c.sum.lose(key)
			return
		}
	}
}

// gateway is any that the client does not know to be down.
func (c *caller) gateway() *gateway {
	g := c.world.gateways[rand.IntN(len(c.world.gateways))]
	if g.down.Load() {
		for _, other := range c.world.gateways {
			if !other.down.Load() {
				return other
			}
		}
	}
	return g
}

// check compares an answer with what this client has seen of the key before: another pod may answer, but never an earlier
// one, and nothing that was counted is forgotten.
func (c *caller) check(key string, a answer) {
	before := c.last[key]
	switch {
	case a.Status != http.StatusOK && c.excused != nil && c.excused(a):
		c.sum.refuse(a.Reason)
	case a.Status != http.StatusOK:
		c.sum.fault("%s: %s", key, a)
	case a.Key != key:
		c.sum.fault("%s was asked for, and %s has answered", key, a)
	case a.Epoch < before.Epoch, a.Epoch == before.Epoch && a.UID != before.UID:
		c.sum.fault("%s: epoch %d of pod %s has answered, and epoch %d of pod %s before it", key, a.Epoch, a.UID, before.Epoch, before.UID)
	case a.Count <= before.Count:
		c.sum.fault("%s: the count is %d in epoch %d, and was %d in epoch %d", key, a.Count, a.Epoch, before.Count, before.Epoch)
	}
	if a.Status == http.StatusOK {
		c.last[key] = a
		c.sum.serve(key, a.Took)
	}
}

func (s *tally) serve(key string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked[key]++
	s.took = append(s.took, took)
}

func (s *tally) lose(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost[key]++
}

func (s *tally) turn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turned++
}

func (s *tally) refuse(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[reason]++
}

func (s *tally) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// audit asks every key for its count once more, and reports and judges the whole.
func (t traffic) audit(ctx context.Context, s *tally) (sleeps int64) {
	GinkgoHelper()
	var served, lost int64
	for i := range t.keys {
		key := t.key(i)
		if s.acked[key]+s.lost[key] == 0 {
			continue
		}
		a := t.world.Get(ctx, key)
		Expect(a).To(Served(key, a.Epoch))
		if a.Count < s.acked[key] || a.Count > s.acked[key]+s.lost[key] {
			s.fault("%s counts %d; %d were acknowledged, and of %d nobody knows", key, a.Count, s.acked[key], s.lost[key])
		}
		served, lost, sleeps = served+s.acked[key], lost+s.lost[key], sleeps+a.Epoch-1
	}
	_, refused := state.saved("")
	slices.Sort(s.took)
	at := func(q float64) string { return ms(s.took[int(q*float64(len(s.took)-1))]) }
	say("%d requests in %s by %d clients over %d keys: %d served, %d failed, %d lost in a killed gateway, %d turned away by one; %d sleeps and wakes",
		served+lost+int64(len(s.faults)), s.lasted, t.clients, t.keys, served, len(s.faults), lost, s.turned, sleeps)
	say("an answer took, with the wakes: %s at the median, %s at p90, %s at p99, %s at most", at(.5), at(.9), at(.99), at(1))
	Expect(s.faults).To(BeEmpty())
	Expect(refused).To(BeZero(), "writes of a pod that was not the last of its key")
	return sleeps
}
