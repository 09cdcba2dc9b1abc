package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dormouse-dev/dormouse/hack/progress"
)

// crowdSize is how many requests come at once in the third act.
const crowdSize = 200

// patience is how long the table may take to fall asleep: idle.after of the example is 10 s.
const patience = 90 * time.Second

// remember keeps what the table has answered last.
func (p *player) remember(a answer) { p.last, p.lastAt = a, time.Now() }

// ask asks for the table, which may have to be woken, and says what came.
func (p *player) ask(ctx context.Context) (answer, error) {
	p.say("GET %s/chess/%s/", p.url, p.key)
	defer progress.Of(func() string { return "waiting for the table's answer" })()
	a, err := p.get(ctx, p.key)
	if err == nil {
		p.say("%s", a)
	}
	return a, err
}

func wake(ctx context.Context, p *player) error {
	a, err := p.ask(ctx)
	if err != nil {
		return err
	}
	p.remember(a)
	if a.Epoch != 1 || len(a.Moves) != 0 {
		return fmt.Errorf("a new table has epoch 1 and no moves; this one has %d and %d", a.Epoch, len(a.Moves))
	}
	return nil
}

func serve(ctx context.Context, p *player) error {
	for _, request := range []struct {
		method, path, with, body string
		change                   func(*http.Request)
	}{
		{"GET", "/chess/" + p.key + "/", "", "", nil},
		{"POST", "/chess/" + p.key + "/move", "", `{"from":"e2","to":"e4"}`, nil},
		{"POST", "/move", " (Host: " + p.key + ".chess.example.com)", `{"from":"e7","to":"e5"}`, func(r *http.Request) { r.Host = p.key + ".chess.example.com" }},
		{"GET", "/", " (X-Chess-Table: " + p.key + ")", "", func(r *http.Request) { r.Header.Set("X-Chess-Table", p.key) }},
	} {
		a, err := p.served(p.key)(p.request(ctx, request.method, request.path, request.body, request.change))
		if err != nil {
			return err
		}
		p.say("%-4s %s%s: %s", request.method, request.path, request.with, a)
		if a.Pod != p.last.Pod {
			return fmt.Errorf("pod %s answered, and pod %s before it", a.Pod, p.last.Pod)
		}
		if a.took > time.Second {
			return fmt.Errorf("a request to a pod that is awake took %s", ms(a.took))
		}
		p.remember(a)
	}
	if len(p.last.Moves) != 2 {
		return fmt.Errorf("the table has %d moves after 2", len(p.last.Moves))
	}
	return nil
}

func crowd(ctx context.Context, p *player) error {
	key := p.key + "crowd"
	answers, errs := make([]answer, crowdSize), make([]error, crowdSize)
	var all sync.WaitGroup
	for i := range crowdSize {
		all.Go(func() { answers[i], errs[i] = p.get(ctx, key) })
	}
	done := progress.Of(func() string { return fmt.Sprintf("waiting for %d answers", crowdSize) })
	all.Wait()
	done()

	failed := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d requests were not answered by the table; the first: %w", len(failed), crowdSize, failed[0])
	}
	pods := map[string]bool{}
	var took []time.Duration
	for _, a := range answers {
		pods[a.Pod] = true
		took = append(took, a.took)
	}
	if len(pods) != 1 {
		return fmt.Errorf("%d pods answered", len(pods))
	}
	p.say("%d times 200, all from pod %.8s: %s", crowdSize, answers[0].Pod, spread(took))
	return nil
}

func sleep(ctx context.Context, p *player) error {
	var phase atomic.Value
	phase.Store("Awake")
	defer progress.Of(func() string { return fmt.Sprintf("waiting until the table sleeps; it is %s", phase.Load()) })()
	for time.Since(p.lastAt) < patience {
		s, err := p.session(ctx, p.key)
		if err != nil {
			return err
		}
		phase.Store(s.Status.Phase)
		there, err := p.podExists(ctx, p.last.Pod)
		if err != nil {
			return err
		}
		if s.Status.Phase == "Asleep" && !there {
			p.say("asleep %.0f s after its last request; pod %.8s is gone; how it ended: %s",
				time.Since(p.lastAt).Seconds(), p.last.Pod, s.exit())
			return nil
		}
		time.Sleep(250 * time.Millisecond)
	}
	return fmt.Errorf("%s after its last request the table is %s, and not asleep without a pod", patience, phase.Load())
}

func wakeAgain(ctx context.Context, p *player) error {
	a, err := p.ask(ctx)
	if err != nil {
		return err
	}
	return p.continued(a)
}

// continued checks that another pod goes on where the last one stopped.
func (p *player) continued(a answer) error {
	before := p.last
	p.remember(a)
	if a.Epoch != before.Epoch+1 {
		return fmt.Errorf("epoch %d follows epoch %d", a.Epoch, before.Epoch)
	}
	if a.Pod == before.Pod {
		return fmt.Errorf("pod %s answers again", a.Pod)
	}
	if got, want := fmt.Sprintf("%s", a.Moves), fmt.Sprintf("%s", before.Moves); got != want {
		return fmt.Errorf("the moves were %s and are %s now", want, got)
	}
	return nil
}

func crash(ctx context.Context, p *player) error {
	pid, err := p.killProcess(ctx, p.key)
	if err != nil {
		return err
	}
	p.say("kill -9 %s", pid)
	a, err := p.ask(ctx)
	if err != nil {
		return err
	}
	if err := p.continued(a); err != nil {
		return err
	}
	s, err := p.session(ctx, p.key)
	if err != nil {
		return err
	}
	p.say("how the pod before it ended: %s", s.exit())
	return nil
}

func reject(ctx context.Context, p *player) error {
	bad := p.key + "-x" // the pattern has no hyphen
	before, err := p.kube(ctx, "get", "sessions", "-A", "-o", "name")
	if err != nil {
		return err
	}
	a, err := p.request(ctx, http.MethodGet, "/chess/"+bad+"/", "", nil)
	if err != nil {
		return err
	}
	p.say("GET %s/chess/%s/", p.url, bad)
	p.say("%s", a)
	if a.status != http.StatusNotFound || a.reason == "" {
		return fmt.Errorf("a 404 of the gateway with a Dormouse-Reason was expected, and the answer is %s", a)
	}
	after, err := p.kube(ctx, "get", "sessions", "-A", "-o", "name")
	if err != nil {
		return err
	}
	if before != after || strings.Contains(after, bad) {
		return fmt.Errorf("the sessions were\n%sand are now\n%s", before, after)
	}
	return nil
}
