package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"sync"

	"github.com/dormouse-dev/dormouse/examples/story"
)

// everybody is who has the pods of all users. The store's pod is nobody's.
const everybody = "everybody"

// pods is what a watch tells of all pods: it misses none, however short it lives.
type pods struct {
	mu    sync.Mutex
	there map[string]bool // by name
	now   map[string]int  // how many pods each user has
	most  map[string]int  // and has had at once
	begun []string        // whose pods there have been, in order
	over  error           // why the watch is over
}

// watchPods watches until ctx is done. It is at work as soon as it has seen the first pod.
func watchPods(ctx context.Context) (*pods, error) {
	cmd := exec.CommandContext(ctx, "kubectl", "get", "pods", "-n", namespace, "--watch", "--output-watch-events", "--request-timeout=10m",
		"-o", `jsonpath={.type} {.object.metadata.name} {.object.metadata.labels.sessions\.dormouse\.dev/tenant}{"\n"}`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("watch the pods: %w", err)
	}
	p := &pods{there: map[string]bool{}, now: map[string]int{}, most: map[string]int{}}
	go func() {
		p.read(out)
		p.end(errors.Join(errors.New("the watch of the pods is over"), cmd.Wait()))
	}()
	return p, nil
}

func (p *pods) read(events io.Reader) {
	for lines := bufio.NewScanner(events); lines.Scan(); {
		var what, pod, user string
		_, _ = fmt.Sscan(lines.Text(), &what, &pod, &user) // the store's pod has no user
		p.take(what, pod, user)
	}
}

func (p *pods) take(what, pod, user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch there := p.there[pod]; {
	case what == "ADDED" && !there:
		p.there[pod] = true
		p.begun = append(p.begun, user)
		p.add(user, 1)
	case what == "DELETED" && there:
		delete(p.there, pod)
		p.add(user, -1)
	}
}

func (p *pods) add(user string, n int) {
	counted := []string{user, everybody}
	if user == "" {
		counted = counted[:1]
	}
	for _, u := range counted {
		p.now[u] += n
		p.most[u] = max(p.most[u], p.now[u])
	}
}

func (p *pods) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = err
}

// sight is what is known of the pods of one user.
type sight struct{ now, most, begun int }

func (p *pods) of(user string) (seen sight, over error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.begun {
		if u == user || user == everybody && u != "" {
			seen.begun++
		}
	}
	seen.now, seen.most = p.now[user], p.most[user]
	return seen, p.over
}

// anew forgets how many pods a user has had at once.
func (p *pods) anew(user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most[user] = p.now[user]
}

// order is whose pods there have been.
func (p *pods) order() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.begun)
}

// until waits until it is so of a user's pods.
func (p *pods) until(ctx context.Context, s *story.Stage, what, user string, so func(sight) bool) (seen sight, err error) {
	err = s.Until(ctx, what, func() (bool, error) {
		var over error
		seen, over = p.of(user)
		return so(seen), over
	})
	if err != nil {
		err = fmt.Errorf("%w; there are %d of these pods, %d have been there at once, and %d in all", err, seen.now, seen.most, seen.begun)
	}
	return seen, err
}

// idle waits until nothing runs but the store.
func (p *pods) idle(ctx context.Context, s *story.Stage) error {
	return s.Until(ctx, "nothing runs but the store", func() (bool, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.now[""] > 0 && p.now[everybody] == 0, p.over
	})
}
