package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/dormouse-dev/dormouse/hack/progress"
)

const (
	// rest is between one pod's end and the next one's start, for its kubelet still tidies up; and up to tick more, so that no
	// kind of start has a place of its own between the ticks of the kubelet, which ended the pod before on one of them.
	rest, tick = 500 * time.Millisecond, time.Second
	// freshEvery is how many rounds there are to one request for a key that nobody has asked for before.
	freshEvery = 4
)

// runs are the starts that were measured.
type runs struct {
	bare  []sample
	least []sample // by the writes and watches of a wake alone
	wake  []sample // of one session, again and again; bare[i], least[i] and wake[i] are of one round
	fresh []sample // of a new key each
	end   time.Time
	idle  string // how much of the processors' time was left meanwhile
}

// wake measures, prints, and fails if there were more writes than promised.
func wake(ctx context.Context, o options) (err error) {
	b, err := open(ctx)
	if err != nil {
		return err
	}
	release, err := alone(ctx, b.audit)
	if err != nil {
		return err
	}
	defer release()
	defer func() {
		err = errors.Join(err, b.clear(context.WithoutCancel(ctx)))
	}()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	log, err := openLog(b.audit)
	if err != nil {
		return err
	}
	defer log.close()
	r, err := b.measure(ctx, o.n)
	if err != nil {
		return err
	}
	if err := b.undisturbed(ctx); err != nil {
		return err
	}
	writes, err := log.writes()
	if err != nil {
		return err
	}
	out := os.Stdout
	printTimes(out, r)
	printTrace(out, r, writes)
	return printWrites(out, r, writes)
}

// measure takes turns, so that whatever else the machine does falls on both alike.
func (b *bed) measure(ctx context.Context, rounds int) (r runs, err error) {
	var now atomic.Value
	now.Store("the first start of each kind, which does not count")
	defer progress.Of(func() string { return now.Load().(string) })()
	if _, err := b.round(ctx, 0); err != nil {
		return r, err
	}
	began := processors()
	for i := 1; i <= rounds; i++ {
		now.Store(fmt.Sprintf("round %d of %d", i, rounds))
		one, err := b.round(ctx, i)
		if err != nil {
			return r, fmt.Errorf("round %d: %w", i, err)
		}
		r.bare, r.least = append(r.bare, one.bare...), append(r.least, one.least...)
		r.wake, r.fresh = append(r.wake, one.wake...), append(r.fresh, one.fresh...)
	}
	now.Store("waiting for late writes")
	time.Sleep(2 * time.Second)
	r.end, r.idle = time.Now(), processors().idleSince(began)
	return r, nil
}

// round measures one start of each kind; each round begins with another one.
func (b *bed) round(ctx context.Context, i int) (r runs, err error) {
	bare := func() error {
		s, err := b.bare(ctx, fmt.Sprintf("bare-%d", i))
		r.bare = append(r.bare, s)
		return err
	}
	least := func() error {
		s, err := b.least(ctx, fmt.Sprintf("least-%d", i))
		r.least = append(r.least, s)
		return err
	}
	wake := func() error { return b.cycle(ctx, "again", &r.wake) }
	turns := []func() error{bare, least, wake}
	turns = append(turns[i%3:], turns[:i%3]...)
	if i%freshEvery == 0 && i > 0 {
		turns = append(turns, func() error { return b.cycle(ctx, fmt.Sprintf("fresh-%d", i), &r.fresh) })
	}
	for _, turn := range turns {
		if err := turn(); err != nil {
			return r, err
		}
		time.Sleep(rest + rand.N(tick))
	}
	return r, nil
}

// cycle wakes a session and waits until it sleeps again.
func (b *bed) cycle(ctx context.Context, key string, to *[]sample) error {
	s, err := b.cold(ctx, key)
	if err != nil {
		return err
	}
	*to = append(*to, s)
	return b.slept(ctx, s.object)
}
