package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dormouse-dev/dormouse/hack/bench/figures"
)

// turn is what one server did at one load, once.
type turn struct {
	tally
	took    time.Duration
	cpu     time.Duration
	mallocs uint64
}

// score is all turns of one server at one load.
type score struct {
	load  load
	peer  *peer
	turns []turn
}

// play has each server have its turn in each round, so that whatever else the machine does falls on all alike.
func (c *contest) play(ctx context.Context) ([]*score, error) {
	var all []*score
	for _, l := range loads {
		if !c.only.MatchString(l.title) {
			continue
		}
		scores := c.entrants(l)
		for i := range c.rounds {
			for j := range scores {
				r := scores[(i+j)%len(scores)] // another one begins each round
				t, err := c.measure(ctx, r.peer, l)
				if err != nil {
					return nil, fmt.Errorf("%s: %s: %w", l.title, r.peer.name, err)
				}
				r.turns = append(r.turns, t)
			}
		}
		all = append(all, scores...)
	}
	return all, nil
}

// entrants are the servers that a load is for: the pod first, for comparison.
func (c *contest) entrants(l load) []*score {
	pod := &c.pod
	if l.host == sockets {
		pod = &peer{name: itself, http1: c.sockets}
	}
	scores := []*score{{load: l, peer: pod}}
	for _, p := range c.peers {
		if l.variants || !p.variant {
			scores = append(scores, &score{load: l, peer: p})
		}
	}
	return scores
}

// measure is one turn. What opens connections to the pod goes before it.
func (c *contest) measure(ctx context.Context, p *peer, l load) (t turn, err error) {
	if err := warm(ctx, p, l); err != nil {
		return t, err
	}
	before, err := p.look()
	if err != nil {
		return t, err
	}
	began := time.Now()
	if t.tally, err = l.run(ctx, c, p, l); err != nil {
		return t, err
	}
	t.took = time.Since(began)
	after, err := p.look()
	if err == nil && t.answered == 0 {
		err = errors.New("nothing was answered")
	}
	t.cpu, t.mallocs = after.begun-before.done, after.Mallocs-before.Mallocs
	p.calls.add(t.answered, before.Figures, after.Figures)
	return t, err
}

// looks are the figures of a server, and what it had spent when it was asked for them, and when it had said them.
type looks struct {
	figures.Figures
	begun, done time.Duration
}

func (p *peer) look() (l looks, err error) {
	if p.process == nil {
		return l, nil // it is this program
	}
	pid := p.process.Process.Pid
	if l.begun, err = spent(pid); err != nil {
		return l, err
	}
	if p.goes {
		if l.Figures, err = figures.From(p.control); err != nil {
			return l, err
		}
	}
	l.done, err = spent(pid)
	return l, err
}

// calls is what a gateway of ours would have asked of the API server meanwhile.
type calls struct{ requests, wakes, touches int64 }

func (c *calls) add(answered int, before, after figures.Figures) {
	c.requests += int64(answered)
	c.wakes += after.Wakes - before.Wakes
	c.touches += after.Touches - before.Touches
}

// of is the median of a figure of all turns.
func (r *score) of(figure func(turn) float64) float64 {
	all := make([]float64, len(r.turns))
	for i, t := range r.turns {
		all[i] = figure(t)
	}
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

func cpuOf(t turn) float64     { return float64(t.cpu.Nanoseconds()) / 1000 / float64(t.answered) }
func mallocsOf(t turn) float64 { return float64(t.mallocs) / float64(t.answered) }
func p50Of(t turn) float64     { return float64(t.p50.Nanoseconds()) / 1000 }
func rateOf(t turn) float64    { return float64(t.answered) / t.took.Seconds() }

// warm asks over as many connections as the load has, each of them some times.
func warm(ctx context.Context, p *peer, l load) error {
	_, err := together(ctx, l.at, func(*[]time.Duration) error {
		c, err := dial(ctx, p.http1)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		for range 10 {
			if err := c.get(l.host); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
