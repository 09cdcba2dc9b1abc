package informer_test

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// trouble is what an API server answers in the place of what it should.
type trouble string

const (
	refuses   trouble = "refuses connections"
	fails     trouble = "answers 503"
	busy      trouble = "answers 429"
	forgets   trouble = "answers a watch with 410"
	breaksOff trouble = "breaks off each watch with an error"
	hangsUp   trouble = "hangs up on each watch at once"
)

var troubles = []trouble{refuses, fails, busy, forgets, breaksOff, hangsUp}

// world is an API server with ConfigMaps.
type world struct {
	mu      sync.Mutex
	version int
	objects map[string]*corev1.ConfigMap
	log     []watch.Event // of all versions
	oldest  int           // version from which a watch can begin
	streams map[*stream]struct{}
	what    trouble // that is left
	left    int
	asked   []time.Time // in trouble, and the first time after it
}

// stream is a watch.
type stream struct {
	*watch.ProxyWatcher
	events chan watch.Event
	ended  bool
}

func newWorld() *world {
	return &world{objects: map[string]*corev1.ConfigMap{}, streams: map[*stream]struct{}{}}
}

// source is how a client asks for lists and watches. It has no lists that are watches.
func (w *world) source() cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc:  func(context.Context, metav1.ListOptions) (runtime.Object, error) { return w.list() },
		WatchFuncWithContext: func(_ context.Context, o metav1.ListOptions) (watch.Interface, error) { return w.watch(o) },
	}, unsupported{})
}

type unsupported struct{}

func (unsupported) IsWatchListSemanticsUnSupported() bool { return true }

// put makes or changes an object, or deletes it, and tells who watches.
func (w *world) put(name, value string) { w.change(watch.Modified, name, value) }
func (w *world) delete(name string)     { w.change(watch.Deleted, name, "") }

func (w *world) change(what watch.EventType, name, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.objects[name]
	if what == watch.Deleted && old == nil {
		return
	}
	w.version++
	o := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name}, Data: map[string]string{"v": value, "dropped": "x"}}
	if what == watch.Deleted {
		o = old.DeepCopy()
	}
	o.ResourceVersion = strconv.Itoa(w.version)
	switch {
	case what == watch.Deleted:
		delete(w.objects, name)
	case old == nil:
		what = watch.Added
		fallthrough
	default:
		w.objects[name] = o
	}
	w.log = append(w.log, watch.Event{Type: what, Object: o})
	for s := range w.streams {
		s.events <- watch.Event{Type: what, Object: o.DeepCopy()}
	}
}

// get is the value of each object.
func (w *world) get() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]string{}
	for name, o := range w.objects {
		all[name] = o.Data["v"]
	}
	return all
}

// trouble makes trouble for the next so many questions, and ends the watches that there are. With forget, none can go on where it was.
func (w *world) trouble(what trouble, questions int, forget bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.what, w.left, w.asked = what, questions, nil
	if forget {
		w.oldest = w.version + 1
	}
	for s := range maps.Clone(w.streams) {
		w.end(s)
	}
}

// strikes says whether this question meets trouble of one of these kinds.
func (w *world) strikes(kinds ...trouble) trouble {
	if w.left < 0 {
		return ""
	}
	for _, kind := range kinds {
		if kind != w.what {
			continue
		}
		w.asked = append(w.asked, time.Now())
		if w.left--; w.left >= 0 {
			return kind
		}
	}
	return ""
}

// pauses are the times between questions in trouble, and from the last of these to the next.
func (w *world) pauses() (pauses []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.asked[1:] {
		pauses = append(pauses, w.asked[i+1].Sub(w.asked[i]))
	}
	return pauses
}

func (w *world) list() (runtime.Object, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := refusal(w.strikes(refuses, fails, busy)); err != nil {
		return nil, err
	}
	list := &corev1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: strconv.Itoa(w.version)}}
	for _, o := range w.objects {
		list.Items = append(list.Items, *o.DeepCopy())
	}
	return list, nil
}

func (w *world) watch(options metav1.ListOptions) (watch.Interface, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from, err := strconv.Atoi(options.ResourceVersion)
	if err != nil {
		return nil, err
	}
	struck := w.strikes(troubles...)
	if err := refusal(struck); err != nil {
		return nil, err
	}
	if from+1 < w.oldest {
		return nil, refusal(forgets)
	}
	s := &stream{events: make(chan watch.Event, 10_000)}
	s.ProxyWatcher = watch.NewProxyWatcher(s.events)
	w.streams[s] = struct{}{}
	for _, e := range w.log[from:] {
		s.events <- watch.Event{Type: e.Type, Object: e.Object.DeepCopyObject()}
	}
	switch struck {
	case breaksOff:
		s.events <- watch.Event{Type: watch.Error, Object: &apierrors.NewInternalError(errors.New("unexpected end")).ErrStatus}
		w.end(s)
	case hangsUp:
		w.end(s)
	}
	return s, nil
}

// end closes a watch.
func (w *world) end(s *stream) {
	delete(w.streams, s)
	if !s.ended {
		s.ended = true
		close(s.events)
	}
}

func refusal(what trouble) error {
	switch what {
	case refuses:
		return syscall.ECONNREFUSED
	case fails:
		return apierrors.NewServiceUnavailable("not now")
	case busy:
		return apierrors.NewTooManyRequests("later", 1)
	case forgets:
		return apierrors.NewResourceExpired("too old resource version")
	}
	return nil
}
