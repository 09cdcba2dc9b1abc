package cluster

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	contract "github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// Watch tells a session as it is, and then each change, with one watch of the API server for that one object.
func (s *Sessions) Watch(ctx context.Context, t *resolve.Target, tell func(contract.Session) error) error {
	pause := pauses{}
	latest, same := "", *t
	once := func(o *v1alpha1.Session) error {
		if o.ResourceVersion == latest {
			return nil
		}
		latest = o.ResourceVersion
		pause = pauses{}
		return tell(told(o))
	}
	for {
		o, err := s.get(ctx, &same)
		if latest != "" && replaced(err) {
			return noSession()
		}
		if err != nil {
			return err
		}
		same.Decided = string(o.UID)
		if err := once(o); err != nil {
			return err
		}
		if err := s.changes(ctx, o, once); err != nil {
			return err
		}
		if pause.wait(ctx); ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

func replaced(err error) bool {
	var p *answer.Problem
	return errors.As(err, &p) && p.Reason == answer.ReasonReplaced
}

// changes tells each version after o, until the watch ends, which is no error, or the session is gone.
func (s *Sessions) changes(ctx context.Context, o *v1alpha1.Session, tell func(*v1alpha1.Session) error) error {
	seconds := int64((watchTimeout + rand.N(watchTimeout)) / time.Second) //nolint:gosec // nobody gains by guessing it
	w, err := s.client.Watch(ctx, &v1alpha1.SessionList{}, client.InNamespace(o.Namespace), client.MatchingFields{metav1.ObjectNameField: o.Name},
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: o.ResourceVersion, TimeoutSeconds: &seconds}})
	if err != nil {
		return nil //nolint:nilerr // what is wrong is found out by the read that follows
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		switch event.Type {
		case watch.Added, watch.Modified:
			if err := tell(event.Object.(*v1alpha1.Session)); err != nil {
				return err
			}
		case watch.Deleted:
			return noSession()
		default:
			return nil
		}
	}
	return nil
}
