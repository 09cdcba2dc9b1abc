package cluster

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/admission"
)

var _ admission.Authority = (*Gateway)(nil)

// Look says which Session there is, and whose; the zero Session: there is none. What is out of sight is read from the API server,
// one read at a time for each, for whoever asks meanwhile.
func (g *Gateway) Look(ctx context.Context, id directory.ID) (access.Session, error) {
	if s, known := g.Known(id); known {
		return s, nil
	}
	if g.Directory.Stale() {
		return access.Session{}, unavailable("This gateway has lost the API server.")
	}
	flight := g.looks.DoChan(id.Namespace+"/"+id.Name, func() (any, error) {
		return g.waker.read(context.WithoutCancel(ctx), id)
	})
	select {
	case <-ctx.Done():
		return access.Session{}, context.Cause(ctx)
	case r := <-flight:
		return r.Val.(access.Session), r.Err
	}
}

// Known is what this gateway has in sight, or has touched lately.
func (g *Gateway) Known(id directory.ID) (s access.Session, known bool) {
	s.UID, s.Owner, known = g.Directory.Look(id)
	return s, known
}

func (w *waker) read(ctx context.Context, id directory.ID) (access.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	s := &v1alpha1.Session{}
	err := w.client.Get(ctx, client.ObjectKey{Namespace: id.Namespace, Name: id.Name}, s)
	if missing(err) {
		return access.Session{}, nil
	}
	if err != nil {
		return access.Session{}, refusalOf(fmt.Errorf("read session: %w", err))
	}
	return access.Session{UID: string(s.UID), Owner: s.Spec.Owner}, nil
}

var (
	// errNone is of a touch that was not made, because there was no Session a moment ago.
	errNone = apierrors.NewNotFound(schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "sessions"}, "")
	// errThere is of a Session that was not made, because by now there is one: who may wake it has to be asked again.
	errThere = errors.New("there is a session by now")
)

// reach touches a session, unless the wish says that there is none.
func (w *waker) reach(ctx context.Context, wish directory.Wish) (uint64, error) {
	if wish.New {
		return 0, errNone
	}
	return w.fly(ctx, wish.ID, w.call)
}

// bringAbout makes the Session of a wish. That somebody else made it meanwhile is for the one who asks to look at, if the wish says so.
func (w *waker) bringAbout(ctx context.Context, wish directory.Wish) (uint64, error) {
	version, err := w.create(ctx, wish)
	if wish.New && apierrors.IsAlreadyExists(err) {
		return 0, errThere
	}
	return version, err
}

func ignoreThere(err error) error {
	if errors.Is(err, errThere) {
		return nil
	}
	return err
}
