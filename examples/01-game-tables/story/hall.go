package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dormouse-dev/dormouse/examples/story"
)

const (
	allTables = 300
	places    = 40 // limits.awake of the template
	players   = 8  // who play at once, each at one table after the other

	// settled is how long after its last use a table may count as used: gateways tell that it is needed each third of its idle time.
	settled = 7 * time.Second
)

// hall is where 300 tables are played.
type hall struct {
	tables []string

	mu    sync.Mutex
	asked map[string]time.Time // when a table was asked for
	used  map[string]time.Time // when it had answered

	phases  map[string]string   // by key, as the API server told them
	pods    map[string]struct{} // that there are
	most    int                 // pods at once
	unjust  []string            // what was wrong about who was put to sleep
	drained int
}

func (h *hall) full(ctx context.Context, s *story.Stage) error {
	h.asked, h.used, h.phases, h.pods = map[string]time.Time{}, map[string]time.Time{}, map[string]string{}, map[string]struct{}{}
	for i := range allTables {
		h.tables = append(h.tables, fmt.Sprintf("t%03d-%s", i+1, once))
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	blind := make(chan error, 2)
	h.watch(watching, s, blind, "pods", "{.object.metadata.name}", h.sawPod, "-l", "sessions.dormouse.dev/template="+ticTacToe)
	h.watch(watching, s, blind, "sessions", "{.object.spec.key} {.object.status.phase}", h.sawSession)
	if err := wish(ctx, s, map[string]any{"game": ticTacToe}, h.tables...); err != nil {
		return err
	}
	began := time.Now()
	if err := h.fill(ctx, s, h.tables[:places]); err != nil {
		return err
	}
	if err := h.play(ctx, s, h.tables[places:]); err != nil {
		return err
	}
	s.Saw("all were played by %d players in %.0f s", players, time.Since(began).Seconds())
	return errors.Join(h.seen(ctx, s, blind), h.madeRoom(ctx, s))
}

// watch hands over what kubectl sees of a kind: the type of each event, and what the template says of its object.
func (h *hall) watch(ctx context.Context, s *story.Stage, blind chan<- error, kind, template string, saw func(event, what string), args ...string) {
	args = append([]string{"get", kind, "--watch", "--output-watch-events", "-o", `jsonpath={.type} ` + template + `{"\n"}`}, args...)
	go func() {
		err := s.Follow(ctx, nil, func(line string) {
			event, what, _ := strings.Cut(line, " ")
			h.mu.Lock()
			defer h.mu.Unlock()
			saw(event, what)
		}, args...)
		if ctx.Err() == nil {
			blind <- fmt.Errorf("the watch of %s has ended: %w", kind, err)
		}
	}()
}

func (h *hall) sawPod(event, name string) {
	h.pods[name] = struct{}{}
	if event == "DELETED" {
		delete(h.pods, name)
	}
	h.most = max(h.most, len(h.pods))
}

// sawSession looks, when a table is put to sleep, whether others had been idle for longer. A few may: as many are asked at once as players wait.
func (h *hall) sawSession(_, what string) {
	key, phase, _ := strings.Cut(what, " ")
	if phase == "Draining" && h.phases[key] == "Awake" {
		h.drained++
		longer := 0
		for other, p := range h.phases {
			if used, played := h.used[other]; p == "Awake" && played && used.Add(settled).Before(h.asked[key]) {
				longer++
			}
		}
		if longer >= players {
			h.unjust = append(h.unjust, fmt.Sprintf("%s was put to sleep, and %d others had clearly been idle for longer", key, longer))
		}
	}
	h.phases[key] = phase
}

// fill has all places taken: whoever has a place stays at the table until the last is taken.
func (h *hall) fill(ctx context.Context, s *story.Stage, tables []string) error {
	filled := make(chan error, 1)
	go func() { filled <- h.play(ctx, s, tables) }()
	for {
		select {
		case err := <-filled:
			for _, key := range tables {
				h.note(h.asked, key)
				h.note(h.used, key)
			}
			s.Saw("%d of them are played, and stay awake", places)
			return err
		case <-time.After(time.Second):
			if err := h.stay(ctx, s); err != nil {
				return err
			}
		}
	}
}

// stay looks at each table that has answered.
func (h *hall) stay(ctx context.Context, s *story.Stage) error {
	h.mu.Lock()
	taken := slices.Collect(maps.Keys(h.used))
	h.mu.Unlock()
	for _, key := range taken {
		if _, err := s.Get(ctx, path(ticTacToe, key, "")); err != nil {
			return err
		}
	}
	return nil
}

// play has a move made at each table, in turn.
func (h *hall) play(ctx context.Context, s *story.Stage, tables []string) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan string)
	var all sync.WaitGroup
	for range players {
		all.Go(func() {
			for key := range queue {
				if err := h.turn(ctx, s, key); err != nil {
					stop(err)
				}
			}
		})
	}
	for _, key := range tables {
		queue <- key
	}
	close(queue)
	all.Wait()
	return context.Cause(ctx)
}

func (h *hall) turn(ctx context.Context, s *story.Stage, key string) error {
	h.note(h.asked, key)
	a, err := s.Ask(ctx, http.MethodPost, path(ticTacToe, key, "move"), "5")
	if err != nil {
		return err
	}
	h.note(h.used, key)
	var v view
	if a.Status != http.StatusOK || a.JSON(&v) != nil || v.Key != key || v.played() != "5" {
		return fmt.Errorf("table %s: %s", key, a)
	}
	return nil
}

func (h *hall) note(when map[string]time.Time, key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	when[key] = time.Now()
}

// seen says what the watches saw, once they have seen the last table awake.
func (h *hall) seen(ctx context.Context, s *story.Stage, blind <-chan error) error {
	err := s.Until(ctx, "the watch has seen the last table awake", func() (bool, error) {
		select {
		case err := <-blind:
			return false, err
		default:
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.phases[h.tables[allTables-1]] != "", nil
	})
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Saw("at most %d pods at once, and %d tables were put to sleep meanwhile", h.most, h.drained)
	switch {
	case h.most != places:
		return fmt.Errorf("at most %d were to be there, and so many", places)
	case h.drained < allTables-2*places:
		return errors.New("the watch was to see more of them")
	case len(h.unjust) > 0:
		return errors.New(strings.Join(h.unjust, "; "))
	}
	return nil
}

// madeRoom wants some of them to have been asked to make room, before they were idle for as long as they said.
func (h *hall) madeRoom(ctx context.Context, s *story.Stage) error {
	events, err := s.Kubectl(ctx, "get", "events", "--field-selector=reason=MakesRoom", "-o", `jsonpath={range .items[*]}{.involvedObject.name}{"\n"}{end}`)
	if err != nil {
		return err
	}
	asked := strings.Count(events, "-"+once)
	s.Saw("%d of them made room for another before their time", asked)
	if asked == 0 {
		return errors.New("none of them made room")
	}
	return nil
}

// empty waits until nobody is there any more, and looks into the database.
func (h *hall) empty(ctx context.Context, s *story.Stage) error {
	var left []string
	err := s.Until(ctx, "no table has a pod", func() (bool, error) {
		names, err := s.Kubectl(ctx, "get", "pods", "-l", "sessions.dormouse.dev/template in (nim,connectfour,tictactoe)", "-o", "name")
		left = strings.Fields(names)
		return len(left) == 0, err
	})
	if err != nil {
		return fmt.Errorf("%w; there are %d", err, len(left))
	}
	rows, err := sql(ctx, s, fmt.Sprintf(`SELECT count(*) FROM tables WHERE game = '%s' AND key LIKE '%%-%s' AND moves = '{5}' AND saves = 1`, ticTacToe, once))
	if err != nil {
		return err
	}
	s.Saw("no pod of any table; %s tables with their move in the database, each saved once", rows)
	if rows != fmt.Sprint(allTables) {
		return fmt.Errorf("%d were to be there", allTables)
	}
	return nil
}
