package informer_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/dormouse-dev/dormouse/internal/informer"
)

// bound is how long an informer stays away at most.
const bound = 1500 * time.Millisecond

func TestMain(m *testing.M) {
	utilruntime.ErrorHandlers = nil // one of them waits, by a clock that is not that of a bubble
	klog.SetLogger(logr.Discard())
	m.Run()
}

// news is what an informer has told.
type news struct {
	mu   sync.Mutex
	told []string
}

func (n *news) add(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = append(n.told, fmt.Sprintf(format, args...))
}

// take gives what was told since, in the order of names.
func (n *news) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	told := slices.Sorted(slices.Values(n.told))
	n.told = nil
	return told
}

func (n *news) handler() cache.ResourceEventHandler {
	value := func(o any) string { return o.(*corev1.ConfigMap).Data["v"] }
	name := func(o any) string { return o.(*corev1.ConfigMap).Name }
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { n.add("%s: new, %s", name(o), value(o)) },
		UpdateFunc: func(old, o any) { n.add("%s: %s, then %s", name(o), value(old), value(o)) },
		DeleteFunc: func(o any) { n.add("%s: gone, was %s", name(o), value(o)) },
	}
}

type maker func(cache.ListerWatcher, runtime.Object, time.Duration, cache.Indexers) cache.SharedIndexInformer

// follow has an informer follow a world, for as long as the test runs.
func follow(t *testing.T, w *world, make maker) (cache.SharedIndexInformer, *news) {
	t.Helper()
	i, n := make(w.source(), &corev1.ConfigMap{}, 0, cache.Indexers{}), &news{}
	if err := i.SetTransform(func(o any) (any, error) {
		delete(o.(*corev1.ConfigMap).Data, "dropped")
		return o, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := i.AddEventHandler(n.handler()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { i.RunWithContext(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	synctest.Wait()
	if !i.HasSynced() {
		t.Fatal("not synced")
	}
	return i, n
}

// longest is the longest time that an informer stays away while the same happens twenty times. After that it must have the news.
func longest(t *testing.T, what trouble, make maker) (most time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put("a", "1")
		_, n := follow(t, w, make)
		n.take()
		w.trouble(what, 20, false)
		w.put("a", "2")
		time.Sleep(30 * time.Minute)
		if told := n.take(); !slices.Contains(told, "a: 1, then 2") {
			t.Errorf("told %q", told)
		}
		most = slices.Max(w.pauses())
	})
	return most
}

// After any number of faults of any kind, an informer is back within its bound.
func TestBackSoon(t *testing.T) {
	for _, what := range troubles {
		t.Run(string(what), func(t *testing.T) {
			if away := longest(t, what, informer.New); away > bound {
				t.Errorf("away for %v", away)
			}
		})
	}
}

// An informer of client-go's own is not, and that is the reason for this package. When this fails, ask whether it is still needed.
func TestClientGoStaysAway(t *testing.T) {
	for _, what := range troubles {
		t.Run(string(what), func(t *testing.T) {
			if away := longest(t, what, cache.NewSharedIndexInformer); away < 20*time.Second {
				t.Errorf("away for %v only", away)
			}
		})
	}
}

// What happened while no watch could go on is told as it is told else, and what did not happen is not.
func TestMissedEventsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for _, name := range []string{"changed", "deleted", "replaced", "same"} {
			w.put(name, "1")
		}
		_, n := follow(t, w, informer.New)
		w.put("late", "1")
		synctest.Wait()
		if told, want := n.take(), []string{"changed: new, 1", "deleted: new, 1", "late: new, 1", "replaced: new, 1", "same: new, 1"}; !slices.Equal(told, want) {
			t.Fatalf("told %q, want %q", told, want)
		}
		w.trouble(fails, 3, true)
		w.put("changed", "2")
		w.delete("deleted")
		w.delete("late")
		w.delete("replaced")
		w.put("replaced", "2")
		w.put("made", "1")
		time.Sleep(time.Minute)
		if told, want := n.take(), []string{"changed: 1, then 2", "deleted: gone, was 1", "late: gone, was 1", "made: new, 1", "replaced: 1, then 2"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		w.put("same", "2")
		synctest.Wait()
		if told, want := n.take(), []string{"same: 1, then 2"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

// Whatever happens in whatever order, an informer has at last what there is, transformed, while others read it.
func TestAtLastAllIsThere(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 0))
			w := newWorld()
			i, _ := follow(t, w, informer.New)
			for range 200 {
				name := fmt.Sprint(dice.IntN(20))
				switch dice.IntN(12) {
				case 0:
					w.trouble(troubles[dice.IntN(len(troubles))], dice.IntN(4), dice.IntN(2) == 0)
				case 1:
					time.Sleep(time.Duration(dice.Int64N(int64(2 * time.Second))))
				case 2, 3, 4:
					w.delete(name)
				case 5:
					held(i)
				default:
					w.put(name, fmt.Sprint(dice.IntN(1000)))
				}
			}
			time.Sleep(time.Minute)
			if got, want := held(i), w.get(); !maps.Equal(got, want) {
				t.Errorf("seed %d: has %v, want %v", seed, got, want)
			}
		})
	}
}

// held is what an informer holds. It reads as a cache does: copies.
func held(i cache.SharedIndexInformer) map[string]string {
	all := map[string]string{}
	for _, o := range i.GetIndexer().List() {
		c := o.(*corev1.ConfigMap).DeepCopy()
		if c.Data["dropped"] == "" {
			all[c.Name] = c.Data["v"]
		}
	}
	return all
}
