package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// silence is how long a watch may say nothing: bookmarks come each minute.
	silence = 90 * time.Second
	// pageSize bounds the memory of a list.
	pageSize = 500
	// pageTimeout is how long one page of a list may take.
	pageTimeout = 30 * time.Second
	// watchTimeout is how long the API server keeps a watch open, at least; at most twice that.
	watchTimeout = 5 * time.Minute
	// firstPause and lastPause bound the time between attempts to reach the API server.
	firstPause, lastPause = 100 * time.Millisecond, 5 * time.Second
)

// errRestored means that the API server's versions went back, as after etcd was restored from a backup: nothing that
// this process remembers can be compared with them.
var errRestored = errors.New("resource versions went back: the API server has forgotten what this process saw; a new process must start")

// sink takes what a feed brings, one call at a time and in the order of versions.
type sink interface {
	// begin says that a list begins.
	begin()
	// put brings an object, from the list or an event.
	put(o client.Object, version uint64, listed bool)
	// remove says that an object is not selected any more, as of that version; what else it says is old.
	remove(o client.Object, version uint64)
	// end says that all of the list was put: what was not, is not selected as of that version.
	end(version uint64)
	// seen says that all up to that version was put or removed.
	seen(version uint64)
}

// feed follows the objects of one kind: a consistent list, then a watch from there, and both again when the watch cannot
// go on. client-go's reflector is not used, because its first list is allowed to be old.
type feed struct {
	client   client.WithWatch
	list     client.ObjectList // an empty one of its kind
	selector client.ListOption
	to       sink
	now      func() time.Time
	log      *slog.Logger
	reached  func(ok bool) // told of each list that succeeds, and of each that fails after the watch was silent

	version uint64
	heard   atomic.Pointer[time.Time] // when the API server last said something
}

// run follows until the context ends. It fails only if the API server's versions went back.
func (f *feed) run(ctx context.Context) error {
	pause := pauses{}
	for ctx.Err() == nil {
		err := f.relist(ctx)
		if errors.Is(err, errRestored) {
			return err
		}
		if err != nil {
			f.unreachable(ctx, err)
			pause.wait(ctx)
			continue
		}
		listed := f.heard.Load()
		f.follow(ctx)
		if f.heard.Load() == listed { // as good as no list: a watch may not be able to go on from any
			pause.wait(ctx)
			continue
		}
		pause = pauses{}
	}
	return nil
}

func (f *feed) unreachable(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	f.log.Warn("cannot list", "error", err)
	if f.age() >= silence {
		f.reached(false)
	}
}

// relist lists consistently, page by page: no resourceVersion, so that all that was committed before it is in it.
func (f *feed) relist(ctx context.Context) error {
	f.to.begin()
	var version uint64
	for more := ""; ; {
		page, err := f.page(ctx, more)
		if err != nil {
			return err
		}
		if version, err = versionOf(page.GetResourceVersion()); err != nil {
			return err
		}
		if version < f.version {
			return errRestored
		}
		if err := f.putAll(page); err != nil {
			return err
		}
		if more = page.GetContinue(); more == "" {
			break
		}
	}
	f.to.end(version)
	f.saw(version)
	f.reached(true)
	return nil
}

func (f *feed) page(ctx context.Context, more string) (client.ObjectList, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	page := f.list.DeepCopyObject().(client.ObjectList)
	if err := f.client.List(ctx, page, f.selector, client.Limit(pageSize), client.Continue(more)); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return page, nil
}

func (f *feed) putAll(page client.ObjectList) error {
	return meta.EachListItem(page, func(o runtime.Object) error {
		object := o.(client.Object)
		version, err := versionOf(object.GetResourceVersion())
		if err != nil {
			return err
		}
		f.to.put(object, version, true)
		return nil
	})
}

// follow watches from the last version seen, and again where a watch ended, until that is not possible any more or
// nothing was heard for too long.
func (f *feed) follow(ctx context.Context) {
	pause := pauses{}
	for ctx.Err() == nil {
		before := f.heard.Load()
		err := f.stream(ctx)
		if expired(err) || f.age() >= silence {
			return
		}
		if err != nil && ctx.Err() == nil {
			f.log.Info("watch ended", "error", err)
		}
		if f.heard.Load() != before {
			pause = pauses{}
		}
		pause.wait(ctx)
	}
}

func expired(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
}

// stream takes the events of one watch until it ends, or is silent for too long.
func (f *feed) stream(ctx context.Context) error {
	seconds := int64((watchTimeout + rand.N(watchTimeout)).Seconds()) //nolint:gosec // nobody gains by guessing it
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silent := time.AfterFunc(silence-f.age(), cancel)
	defer silent.Stop()
	w, err := f.client.Watch(ctx, f.list.DeepCopyObject().(client.ObjectList), f.selector, &client.ListOptions{Raw: &metav1.ListOptions{
		ResourceVersion:     fmt.Sprint(f.version),
		AllowWatchBookmarks: true,
		TimeoutSeconds:      &seconds,
	}})
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		if err := f.take(event); err != nil {
			return err
		}
		silent.Reset(silence)
	}
	return nil
}

func (f *feed) take(event watch.Event) error {
	if event.Type == watch.Error {
		return apierrors.FromObject(event.Object)
	}
	o, ok := event.Object.(client.Object)
	if !ok {
		return fmt.Errorf("watch: an event with a %T", event.Object)
	}
	version, err := versionOf(o.GetResourceVersion())
	if err != nil {
		return err
	}
	switch event.Type {
	case watch.Added, watch.Modified:
		f.to.put(o, version, false)
	case watch.Deleted:
		f.to.remove(o, version)
	}
	f.saw(version)
	return nil
}

func (f *feed) saw(version uint64) {
	f.version = max(f.version, version)
	now := f.now()
	f.heard.Store(&now)
	f.to.seen(version)
}

// age is how long ago the API server last said something; if it never did, too long.
func (f *feed) age() time.Duration {
	heard := f.heard.Load()
	if heard == nil {
		return silence
	}
	return f.now().Sub(*heard)
}

// pauses grow from one attempt to the next.
type pauses struct{ next time.Duration }

func (p *pauses) wait(ctx context.Context) {
	p.next = min(max(firstPause, 2*p.next), lastPause)
	t := time.NewTimer(p.next/2 + rand.N(p.next/2)) //nolint:gosec // nobody gains by guessing it
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
