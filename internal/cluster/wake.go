package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// wakeAttempts bounds how often one request touches and creates in turn, while others delete.
const wakeAttempts = 3

// countLag is when to come again after limits.sessions was reached: the operator's count follows within this time.
const countLag = 10 * time.Second

// refusalLag is when to come again after a limit of those awake was reached: the refusal stands for a second.
const refusalLag = 2 * time.Second

// waker brings sessions about: it touches or creates them, and waits.
type waker struct {
	*toucher
	templates *templates
	wanted    func(directory.ID) // told that the API server has it that a session is needed which a request waits for
	creates   singleflight.Group
	finals    finals
	paces     paces
}

// wake returns nil as soon as the session is reachable, a *directory.Refusal where it will not be, and the cause if the
// context ends before. The touch is skipped if the session was touched lately, by any gateway, and is on its way.
func (w *waker) wake(ctx context.Context, wish directory.Wish) error {
	if w.directory.Stale() {
		return unavailable("This gateway has lost the API server.")
	}
	waiter := w.directory.Await(wish)
	defer waiter.Done()
	touched := false
	for {
		view, touch := waiter.View()
		if decided, err := w.verdict(view); decided {
			return err
		}
		after := view.Version
		// A failure that is over is touched once: gateways would take each other's touches of it for news.
		if touch && !(touched && view.State == directory.Failed) {
			var err error
			if after, err = w.demand(ctx, wish); err != nil {
				return ignoreThere(err)
			}
			touched = true
			w.wanted(wish.ID)
			view, _ = waiter.View()
			w.finals.note(wish.ID, &view)
			if decided, err := w.verdict(view); decided {
				return err
			}
		}
		w.wanted(wish.ID)
		if _, err := waiter.Next(ctx, after); err != nil {
			return inQueue(waiter, err)
		}
	}
}

// inQueue adds to the end of a wait that the session stood in the queue of a limit, if it did.
func inQueue(waiter *directory.Waiter, err error) error {
	if view, _ := waiter.View(); view.Queued != "" {
		return &directory.Queued{Limit: view.Queued, Err: err}
	}
	return err
}

// verdict is what a view decides for one who waits.
func (w *waker) verdict(v directory.View) (decided bool, err error) {
	switch {
	case v.Gone:
		return true, &directory.Refusal{Kind: directory.Gone, Reason: "Deleted", Message: "The session is being deleted."}
	case v.State == directory.Reachable:
		return true, nil
	case v.Failure.Final != 0:
		return true, &directory.Refusal{Kind: v.Failure.Final, Reason: v.Failure.Reason, Message: v.Failure.Message}
	case v.Failure.Limit != "":
		return true, &directory.Refusal{Kind: directory.LimitReached, Reason: v.Failure.Limit, Message: v.Failure.Message, RetryAfter: lagOf(v.Failure.Limit)}
	case v.State == directory.Failed && !v.Failure.Over(w.now()):
		return true, &directory.Refusal{
			Kind:       directory.StartFailed,
			Reason:     v.Failure.Reason,
			Message:    v.Failure.Message,
			RetryAfter: v.Failure.RetryAt.Sub(w.now()),
		}
	}
	return false, nil
}

// demand touches the session, or makes it where that is allowed, and gives the version since which it is wanted. While the API server
// does not answer, it goes on until the context ends, and says that then.
func (w *waker) demand(ctx context.Context, wish directory.Wish) (uint64, error) {
	if err := w.stillFinal(ctx, wish.ID); err != nil {
		return 0, err
	}
	for {
		version, err := w.want(ctx, wish)
		switch {
		case err == nil, errors.Is(err, errThere):
			return version, err
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return 0, unavailable("The API server has not answered in time.")
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case !errors.Is(err, errAway):
			return 0, refusalOf(err)
		}
	}
}

// want is one attempt at that. Its errors are those of the API server, refusals, and the cause of the context's end.
func (w *waker) want(ctx context.Context, wish directory.Wish) (uint64, error) {
	for range wakeAttempts {
		version, err := w.reach(ctx, wish)
		if errors.Is(err, errComing) {
			err = nil
		}
		if err == nil || !missing(err) {
			return version, err
		}
		if !wish.Create {
			return 0, &directory.Refusal{Kind: directory.NotFound, Reason: "NotFound", Message: "There is no session of this key."}
		}
		version, err = w.bringAbout(ctx, wish)
		if err == nil || !apierrors.IsAlreadyExists(err) {
			return version, err
		}
	}
	return 0, unavailable("The session was deleted again and again.")
}

// errComing is of a touch that was not made, because somebody else's has been answered meanwhile.
var errComing = errors.New("touched by somebody else")

// call touches a session, unless somebody else's touch has been answered since the one who asks has looked.
func (w *waker) call(ctx context.Context, id directory.ID) (uint64, error) {
	if version, coming := w.directory.Coming(id); coming {
		return version, errComing
	}
	return w.written(ctx, id, v1alpha1.SourceRequest)
}

// create makes the Session of a wish.
func (w *waker) create(ctx context.Context, wish directory.Wish) (uint64, error) {
	flight := w.creates.DoChan(wish.ID.Namespace+"/"+wish.ID.Name, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchTimeout)
		defer cancel()
		version, err := w.post(ctx, wish)
		if err != nil && !apierrors.IsAlreadyExists(err) {
			w.count("failed")
		}
		return version, err
	})
	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case r := <-flight:
		return r.Val.(uint64), r.Err
	}
}

func (w *waker) post(ctx context.Context, wish directory.Wish) (uint64, error) {
	template := directory.ID{Namespace: wish.ID.Namespace, Name: wish.Template}
	if err := w.mayMake(wish, template); err != nil {
		return 0, err
	}
	var s *v1alpha1.Session
	err := retry(ctx, func() error {
		s = w.newSession(wish)
		return w.client.Create(ctx, s, client.FieldOwner(v1alpha1.OwnerGateway))
	})
	if err != nil {
		w.templates.unmade(template)
		return 0, fmt.Errorf("create session: %w", err)
	}
	w.count("created")
	return w.tell(s)
}

// mayMake counts the Session of a wish that is about to be made, or says which limit does not allow it.
func (w *waker) mayMake(wish directory.Wish, template directory.ID) error {
	if !w.templates.reserve(template, w.now()) {
		return &directory.Refusal{
			Kind: directory.LimitReached, Reason: limitSessions, RetryAfter: countLag, Message: fullOf(limitSessions),
		}
	}
	if err := w.tooFast(wish, template); err != nil {
		w.templates.unmade(template)
		return err
	}
	return nil
}

// newSession is wanted from its creation on: one write, not two.
func (w *waker) newSession(wish directory.Wish) *v1alpha1.Session {
	since := w.next(time.Time{}).UTC().Format(metav1.RFC3339Micro)
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   wish.ID.Namespace,
			Name:        wish.ID.Name,
			Annotations: map[string]string{v1alpha1.AnnotationWantedSince: since},
		},
		Spec: v1alpha1.SessionSpec{Template: wish.Template, Key: wish.Key, Owner: wish.Owner, Tenant: wish.Tenant},
	}
}
