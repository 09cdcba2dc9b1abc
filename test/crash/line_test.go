package crash

import (
	"context"
	"fmt"
	"strconv"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// viewLag is how late a gateway hears of a change.
const viewLag = 10 * time.Millisecond

// plainRenewals is how many renewals of a Lease that say nothing new are calls that may fail, of each process.
const plainRenewals = 2

// client is a gateway's line to the API server. Each call may fail.
func (p *run) client() client.WithWatch {
	plain := 0
	return interceptor.NewClient(p.of.world.api, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			return p.call("get "+idOf(o).kind, o, false, func() error { return c.Get(ctx, key, o, opts...) })
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return p.call("create "+idOf(o).kind, o, true, func() error { return c.Create(ctx, o, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			what := "update " + idOf(o).kind
			if plain++; p.news(o) {
				plain--
			} else if plain > plainRenewals {
				what = ""
			}
			return p.call(what, o, true, func() error {
				p.of.world.laws.watermark(p, o.(*coordinationv1.Lease))
				return c.Update(ctx, o, opts...)
			})
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return p.call("delete "+idOf(o).kind, o, true, func() error { return c.Delete(ctx, o, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return p.call("touch", o, true, func() error { return c.SubResource(sub).Patch(ctx, o, patch, opts...) })
		},
		List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			return p.call("list "+idOf(list).kind, nil, false, func() error { return p.list(list, opts...) })
		},
		Watch: func(ctx context.Context, _ client.WithWatch, list client.ObjectList, opts ...client.ListOption) (w watch.Interface, err error) {
			err = p.call("watch "+idOf(list).kind, nil, false, func() error { w = newStream(ctx, p, list, opts...); return nil })
			return w, err
		},
	})
}

// news says whether a Lease says something that it did not say before.
func (p *run) news(o client.Object) bool {
	before := p.told
	p.told = o.DeepCopyObject().(*coordinationv1.Lease)
	if before == nil {
		return true
	}
	return before.Annotations[v1alpha1.AnnotationUnsettled] != p.told.Annotations[v1alpha1.AnnotationUnsettled] || !equality.Semantic.DeepEqual(before.Labels, p.told.Labels) ||
		before.Annotations[v1alpha1.AnnotationWatermark] != p.told.Annotations[v1alpha1.AnnotationWatermark]
}

// call makes a call, with the fault that it has; one without a name has none. What a dead process asks for is not there.
func (p *run) call(what string, o client.Object, writes bool, do func() error) error {
	w := p.of.world
	defer w.take()()
	switch {
	case p.dead && o != nil:
		return isNotFound(o)
	case p.dead:
		return errDead
	case w.now().Before(w.awayUntil), what == "touch" && w.now().Before(w.untouchedUntil):
		return apierrors.NewInternalError(fmt.Errorf("no etcd"))
	}
	fault := none
	if what != "" {
		fault = w.replicaFault(what, writes)
	}
	err := w.faulty(p, fault, do)
	if what == "" {
		return err
	}
	w.note("%s: %s%s: %v", p.name, what, fault.words(), err)
	w.poke()
	return err
}

// list gives the objects that a selector of fields takes, and the version that they are of.
func (p *run) list(list client.ObjectList, opts ...client.ListOption) error {
	options := client.ListOptions{}
	options.ApplyOptions(opts)
	if err := p.of.world.store.objects.list(list); err != nil {
		return err
	}
	var found []runtime.Object
	_ = meta.EachListItem(list, func(o runtime.Object) error {
		if selects(options.FieldSelector, o) {
			found = append(found, o)
		}
		return nil
	})
	list.SetResourceVersion(strconv.FormatInt(p.of.world.store.version, 10))
	return meta.SetList(list, found)
}

func selects(by fields.Selector, o runtime.Object) bool {
	s, ok := o.(*v1alpha1.Session)
	return !ok || by == nil || by.Matches(fields.Set{"status.phase": string(s.Status.Phase)})
}

// stream is a watch.
type stream struct {
	of       *run
	kind     string
	empty    client.ObjectList
	selector fields.Selector
	heard    int // of the log
	known    map[id]client.Object
	out      chan watch.Event
	stop     context.CancelFunc
}

func newStream(ctx context.Context, p *run, list client.ObjectList, opts ...client.ListOption) *stream {
	options := client.ListOptions{}
	options.ApplyOptions(opts)
	ctx, stop := context.WithCancel(ctx)
	s := &stream{of: p, kind: idOf(list).kind, empty: list, selector: options.FieldSelector, known: map[id]client.Object{}, out: make(chan watch.Event), stop: stop}
	from, _ := strconv.ParseInt(options.AsListOptions().ResourceVersion, 10, 64)
	log := p.of.world.log()
	for s.heard < len(log) && log[s.heard].version <= from {
		s.event(log[s.heard])
		s.heard++
	}
	go s.run(ctx)
	return s
}

// event is what a change is to whoever watches.
func (s *stream) event(c change) (e watch.Event, ok bool) {
	if c.id.kind != s.kind {
		return e, false
	}
	before := s.known[c.id]
	if c.now != nil && selects(s.selector, c.now) {
		s.known[c.id] = c.now
		return watch.Event{Type: watch.Modified, Object: c.now.DeepCopyObject()}, true
	}
	if before == nil {
		return e, false
	}
	delete(s.known, c.id)
	old := before.DeepCopyObject().(client.Object)
	old.SetResourceVersion(strconv.FormatInt(c.version, 10))
	return watch.Event{Type: watch.Deleted, Object: old}, true
}

// bookmarks is the time between two bookmarks.
const bookmarks = time.Minute

func (s *stream) run(ctx context.Context) {
	defer close(s.out)
	mark := time.NewTicker(bookmarks)
	defer mark.Stop()
	for ctx.Err() == nil {
		events, wrote := s.events()
		if len(events) == 0 {
			select {
			case <-ctx.Done():
			case <-wrote:
				time.Sleep(viewLag)
			case <-mark.C:
				s.send(ctx, s.bookmark())
			}
		}
		for _, e := range events {
			s.send(ctx, e)
		}
	}
}

func (s *stream) send(ctx context.Context, e watch.Event) {
	select {
	case <-ctx.Done():
	case s.out <- e:
	}
}

// events are those that were not sent yet, and what is closed when there may be more.
func (s *stream) events() (events []watch.Event, wrote <-chan struct{}) {
	w := s.of.of.world
	defer w.take()()
	for log := w.log(); s.heard < len(log); s.heard++ {
		if e, ok := s.event(log[s.heard]); ok {
			events = append(events, e)
		}
	}
	return events, w.store.wrote
}

func (s *stream) bookmark() watch.Event {
	w := s.of.of.world
	defer w.take()()
	o := client.Object(&v1alpha1.Session{})
	if s.kind != "Session" {
		o = &v1alpha1.SessionTemplate{}
	}
	o.SetResourceVersion(strconv.FormatInt(w.log()[s.heard-1].version, 10)) // all that was before has been sent
	return watch.Event{Type: watch.Bookmark, Object: o}
}

func (s *stream) Stop()                          { s.stop() }
func (s *stream) ResultChan() <-chan watch.Event { return s.out }
