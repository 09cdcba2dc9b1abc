package informer

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// relay is where a reflector puts what it hears, and from where an informer has it: one list, and then one watch that does not end. What
// a reflector finds when it lists again, because its own watch could not go on, comes as the events that were missed.
type relay struct {
	example runtime.Object
	done    <-chan struct{}                // closed when nobody takes anything any more
	first   chan []runtime.Object          // of capacity one: what the first list brought
	events  chan watch.Event               // of none: whoever takes one has dealt with those before
	known   map[types.NamespacedName]known // of the reflector alone
}

// known is an object that was handed on last.
type known struct {
	version string
	object  runtime.Object
}

var (
	_ cache.ListerWatcherWithContext = (*relay)(nil)
	_ cache.ReflectorStore           = (*relay)(nil)
)

func newRelay(example runtime.Object) *relay {
	return &relay{example: example, first: make(chan []runtime.Object, 1), events: make(chan watch.Event)}
}

// IsWatchListSemanticsUnSupported has the informer ask for a list, and then watch.
func (r *relay) IsWatchListSemanticsUnSupported() bool { return true }

// ListWithContext gives the first list. The watch does not end, so nobody asks for another.
func (r *relay) ListWithContext(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case items := <-r.first:
		return &internalversion.List{Items: items}, nil
	}
}

// WatchWithContext gives all that came after it.
func (r *relay) WatchWithContext(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return watch.NewProxyWatcher(r.events), nil
}

// List is ListWithContext without one.
func (r *relay) List(options metav1.ListOptions) (runtime.Object, error) {
	return r.ListWithContext(context.Background(), options)
}

// Watch is WatchWithContext without one.
func (r *relay) Watch(options metav1.ListOptions) (watch.Interface, error) {
	return r.WatchWithContext(context.Background(), options)
}

// Add is told of a new object.
func (r *relay) Add(o any) error { return r.put(watch.Added, o) }

// Update is told of a changed object.
func (r *relay) Update(o any) error { return r.put(watch.Modified, o) }

// Delete is told of an object that is gone.
func (r *relay) Delete(o any) error {
	id, now, err := identify(o)
	if err != nil {
		return err
	}
	delete(r.known, id)
	r.send(watch.Deleted, now.object)
	return nil
}

// Resync is the informer's own affair.
func (r *relay) Resync() error { return nil }

// Replace is told all that there is: the first time as a list, and then as what has changed since.
func (r *relay) Replace(all []any, version string) error {
	now := make(map[types.NamespacedName]known, len(all))
	for _, o := range all {
		id, k, err := identify(o)
		if err != nil {
			return err
		}
		now[id] = k
	}
	if r.known == nil {
		r.begin(now)
		return nil
	}
	if err := r.settle(version); err != nil {
		return err
	}
	for id, k := range r.known {
		if _, there := now[id]; !there {
			r.send(watch.Deleted, k.object.DeepCopyObject()) // an informer transforms it, and readers have it still
		}
	}
	before := r.known
	r.known = now
	for id, k := range now {
		if old, there := before[id]; !there || old.version != k.version {
			r.send(watch.Modified, k.object)
			continue
		}
		now[id] = before[id] // or two of one kind were kept
	}
	return nil
}

func (r *relay) begin(all map[types.NamespacedName]known) {
	items := make([]runtime.Object, 0, len(all))
	for _, k := range all {
		items = append(items, k.object)
	}
	r.known = all
	r.first <- items
}

// settle returns when the informer has transformed all objects that were handed on, by an event that says nothing: from then on they do
// not change any more, and may be copied.
func (r *relay) settle(version string) error {
	mark := r.example.DeepCopyObject()
	m, err := meta.Accessor(mark)
	if err != nil {
		return fmt.Errorf("mark a version: %w", err)
	}
	m.SetResourceVersion(version)
	r.send(watch.Bookmark, mark)
	return nil
}

func (r *relay) put(what watch.EventType, o any) error {
	id, k, err := identify(o)
	if err != nil {
		return err
	}
	r.known[id] = k
	r.send(what, k.object)
	return nil
}

func (r *relay) send(what watch.EventType, o runtime.Object) {
	select {
	case <-r.done:
	case r.events <- watch.Event{Type: what, Object: o}:
	}
}

func identify(o any) (types.NamespacedName, known, error) {
	object, ok := o.(runtime.Object)
	if !ok {
		return types.NamespacedName{}, known{}, fmt.Errorf("a %T is no object", o)
	}
	m, err := meta.Accessor(object)
	if err != nil {
		return types.NamespacedName{}, known{}, fmt.Errorf("look at an object: %w", err)
	}
	return types.NamespacedName{Namespace: m.GetNamespace(), Name: m.GetName()}, known{version: m.GetResourceVersion(), object: object}, nil
}
