package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
)

// touchTimeout is how long a touch is tried, whoever waits for it.
const touchTimeout = 10 * time.Second

// toucher writes that sessions are needed: one write at a time for each, for whoever asks meanwhile.
type toucher struct {
	client    client.Client
	directory *directory.Directory
	rules     func(*v1alpha1.Session) Rules
	instance  string
	now       func() time.Time
	log       *slog.Logger
	names     gateway.Names
	count     func(result string) // of each touch
	tookBack  func()              // told of each touch that takes back a sleep

	flights singleflight.Group
	mu      sync.Mutex
	last    time.Time // that was written in any touch
}

// keep touches a session that the directory says is needed, in the background.
func (t *toucher) keep(n directory.Need) {
	source := v1alpha1.SourceRequest
	if n.Connection {
		source = v1alpha1.SourceConnection
	}
	touch := func(ctx context.Context, id directory.ID) (uint64, error) { return t.written(ctx, id, source) }
	go func() {
		for t.directory.Asked(n.ID) { // still, after a flight that had told its answer before it was joined
			_, err := t.fly(context.Background(), n.ID, touch)
			if errors.Is(err, errComing) { // somebody else's flight, which has written nothing
				t.directory.Missed(n.ID)
				return
			}
			if err != nil && !missing(err) {
				t.log.Warn("cannot touch", "session", t.names.Of(n.ID), "error", t.names.In(err.Error(), n.ID))
			}
		}
	}()
}

// fly has a touch of a session made, or waits for the one that is under way, and gives the version that it found or made. It
// goes on when the context of the one who asked ends: others may wait for it.
func (t *toucher) fly(ctx context.Context, id directory.ID, touch func(context.Context, directory.ID) (uint64, error)) (uint64, error) {
	flight := t.flights.DoChan(id.Namespace+"/"+id.Name, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchTimeout)
		defer cancel()
		return touch(ctx, id)
	})
	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case r := <-flight:
		return r.Val.(uint64), r.Err
	}
}

// written writes that a session is needed and brings the answer to the directory. It gives the version of the answer.
func (t *toucher) written(ctx context.Context, id directory.ID, source v1alpha1.ActivitySource) (uint64, error) {
	version, err := t.write(ctx, id, source)
	t.count(resultOf(err))
	return version, err
}

func resultOf(err error) string {
	switch {
	case err == nil:
		return "ok"
	case missing(err):
		return "not_found"
	}
	return "failed"
}

// write patches until that is in or cannot be, and tells the directory what became of it.
func (t *toucher) write(ctx context.Context, id directory.ID, source v1alpha1.ActivitySource) (uint64, error) {
	uid, seen := t.directory.Last(id)
	var session *v1alpha1.Session
	err := retry(ctx, func() (err error) {
		a := v1alpha1.Activity{Time: t.next(seen), Source: source, By: t.instance}
		a.IdleAfter, a.Busy = saidBy(t.directory.Word(id))
		if session, err = t.patch(ctx, id, a); uid != "" && missing(err) {
			err = t.unlessThere(ctx, id, err)
		}
		return err
	})
	if missing(err) {
		t.directory.Lost(id, uid)
		return 0, err
	}
	if err != nil {
		t.directory.Missed(id)
		return 0, err
	}
	return t.tell(session)
}

// tell brings the answer of a write to the directory.
func (t *toucher) tell(s *v1alpha1.Session) (uint64, error) {
	version, err := versionOf(s.ResourceVersion)
	if err != nil {
		t.directory.Missed(idOf(s))
		return 0, err
	}
	if takesBack(s) {
		t.tookBack()
	}
	t.directory.Touched(idOf(s), viewOf(s, version, t.rules(s)))
	return version, nil
}

// takesBack is whether a session that was just touched was about to sleep, and will not.
func takesBack(s *v1alpha1.Session) bool {
	d := s.Status.Drain
	return s.Status.Phase == v1alpha1.PhaseDraining && d != nil && !d.Forced && s.DeletionTimestamp.IsZero()
}

// patch writes the activity and nothing else, whatever version there is: demand asks nobody.
func (t *toucher) patch(ctx context.Context, id directory.ID, a v1alpha1.Activity) (*v1alpha1.Session, error) {
	body, err := json.Marshal(map[string]any{"status": map[string]any{"activity": whole(a)}})
	if err != nil {
		return nil, fmt.Errorf("write activity: %w", err)
	}
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: id.Namespace, Name: id.Name}}
	if err := t.client.Status().Patch(ctx, s, client.RawPatch(types.MergePatchType, body), client.FieldOwner(v1alpha1.OwnerGateway)); err != nil {
		return nil, fmt.Errorf("touch: %w", err)
	}
	return s, nil
}

// next is the time that a touch writes: now, but later than the latest seen and than any that this gateway wrote, so that
// each touch is a change and never moves time back.
func (t *toucher) next(seen time.Time) metav1.MicroTime {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now().Truncate(time.Microsecond)
	for _, past := range []time.Time{seen, t.last} {
		if after := past.Add(time.Microsecond); after.After(now) {
			now = after
		}
	}
	t.last = now
	return metav1.NewMicroTime(now)
}

// unlessThere is the error of a touch that found no Session, unless there is one. Requests may be in flight at a session that is known, and
// nobody waits for them any more once it is taken for gone: it is asked for by name before that is believed.
func (t *toucher) unlessThere(ctx context.Context, id directory.ID, err error) error {
	look := t.client.Get(ctx, client.ObjectKey{Namespace: id.Namespace, Name: id.Name}, &v1alpha1.Session{})
	switch {
	case missing(look):
		return err
	case look != nil:
		return fmt.Errorf("look whether it is gone: %w", look)
	}
	return fmt.Errorf("found nothing, and it is there: %v", err) //nolint:errorlint // it is no 404 any more
}

// errAway is of what was tried in vain until its time was up: the API server does not answer.
var errAway = errors.New("the API server is away")

// retry does it again while that may help, until the context ends; then its error is errAway, and that of the last attempt.
func retry(ctx context.Context, what func() error) error {
	pause := pauses{}
	for {
		err := what()
		if err == nil || final(err) {
			return err
		}
		pause.wait(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", errAway, err)
		}
	}
}

// final is whether the API server has decided: asking again changes nothing.
func final(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false // no answer
	}
	if apierrors.IsNotFound(err) {
		return missing(err)
	}
	code := status.Status().Code
	return code >= 400 && code < 500 && code != 429 && !apierrors.IsTimeout(err) && !apierrors.IsConflict(err)
}

// missing is whether the API server says that there is no such object. A 404 without its own words is an API server that
// does not serve the kind, for now, and says nothing of the object.
func missing(err error) bool {
	return apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}
