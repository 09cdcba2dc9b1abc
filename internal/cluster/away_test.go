package cluster

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// patched is an API server with one Session, of which a test says what a touch meets.
type patched struct {
	client.Client
	touch func() error
	s     *v1alpha1.Session
}

func (p patched) Status() client.SubResourceWriter { return patchedStatus{of: p} }

func (p patched) Get(_ context.Context, _ client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	p.s.DeepCopyInto(o.(*v1alpha1.Session))
	return nil
}

type patchedStatus struct {
	client.SubResourceWriter
	of patched
}

func (p patchedStatus) Patch(_ context.Context, o client.Object, _ client.Patch, _ ...client.SubResourcePatchOption) error {
	if err := p.of.touch(); err != nil {
		return err
	}
	p.of.s.DeepCopyInto(o.(*v1alpha1.Session))
	return nil
}

func awakeSession() *v1alpha1.Session {
	s := newSession("default", "a")
	s.UID, s.ResourceVersion = types.UID("session"), "7"
	published(1)(&s.Status)
	return s
}

func wakerOf(c client.Client) (*waker, *directory.Directory) {
	d := &directory.Directory{Now: time.Now}
	w := &waker{wanted: func(directory.ID) {}, toucher: &toucher{
		client: c, directory: d, now: time.Now, log: slog.New(slog.DiscardHandler), count: func(string) {},
		rules: func(*v1alpha1.Session) Rules { return Rules{IdleAfter: time.Minute} },
	}, templates: &templates{}}
	return w, d
}

// A request that waits while the API server is away goes on until its own deadline, and has its session when the API server is back
// before that. It was refused after ten seconds.
func TestWakeOutlastsAnOutage(t *testing.T) {
	for _, c := range []struct {
		name     string
		away     time.Duration
		deadline time.Duration
		served   bool
	}{
		{"that ends before", 25 * time.Second, time.Minute, true},
		{"that does not", time.Hour, 37 * time.Second, false},
		{"that does not, with a deadline shorter than a touch is tried", time.Hour, 5 * time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				s := awakeSession()
				w, d := wakerOf(patched{s: s, touch: func() error {
					if time.Since(began) < c.away {
						return apierrors.NewInternalError(errors.New("no etcd"))
					}
					return nil
				}})
				d.Apply(idOf(s), directory.View{Version: 1, UID: "session", State: directory.Unreachable, Unwanted: true})
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				err := w.wake(ctx, wishFor(s))
				if c.served {
					if err != nil || time.Since(began) < c.away {
						t.Errorf("after %s: %v", time.Since(began), err)
					}
					return
				}
				var refusal *directory.Refusal
				if !errors.As(err, &refusal) || refusal.Kind != directory.Unavailable || time.Since(began) != c.deadline {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
				time.Sleep(touchTimeout) // the last touch ends
			})
		})
	}
}

// A touch that finds no Session, of one that is known, looks before that is believed: nobody waits for the requests of one that is gone,
// and its pod was stopped under them.
func TestTouchLooksBeforeItBelieves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, lies := awakeSession(), 0
		w, d := wakerOf(patched{s: s, touch: func() error {
			if lies++; lies == 1 {
				return errGone
			}
			return nil
		}})
		d.Apply(idOf(s), viewOf(s, 6, Rules{IdleAfter: time.Minute}))
		visit, _ := d.Enter(idOf(s))
		d.Apply(idOf(s), directory.View{Version: 6, UID: "session", State: directory.Unreachable, Unwanted: true})
		if _, err := w.written(t.Context(), idOf(s), v1alpha1.SourceRequest); err != nil || lies != 2 {
			t.Errorf("touched %d times: %v", lies, err)
		}
		if d.Len() != 1 {
			t.Error("the session is forgotten")
		}
		visit.Leave()
	})
}
