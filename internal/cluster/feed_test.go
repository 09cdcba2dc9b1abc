package cluster

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// failing is an API server that fails so many times, and then has a watch that says nothing.
type failing struct {
	client.WithWatch
	list, watch error
	left        int
	asked       []time.Time // in vain, and the first time after that
}

func (f *failing) fails(err error) error {
	if err == nil || f.left < 0 {
		return nil
	}
	f.asked = append(f.asked, time.Now())
	if f.left--; f.left < 0 {
		return nil
	}
	return err
}

func (f *failing) List(_ context.Context, to client.ObjectList, _ ...client.ListOption) error {
	to.SetResourceVersion("1")
	return f.fails(f.list)
}

func (f *failing) Watch(ctx context.Context, _ client.ObjectList, _ ...client.ListOption) (watch.Interface, error) {
	if err := f.fails(f.watch); err != nil {
		return nil, err
	}
	w := watch.NewFake()
	context.AfterFunc(ctx, w.Stop)
	return w, nil
}

// After any number of faults of the API server, a gateway looks again within five seconds, and never without a pause.
func TestFeedIsBackSoon(t *testing.T) {
	for name, server := range map[string]*failing{
		"lists fail":                   {list: apierrors.NewServiceUnavailable("not now")},
		"watches fail":                 {watch: errors.New("connection refused")},
		"watches are refused with 410": {watch: apierrors.NewResourceExpired("too old")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server.left = 50
				f := &feed{
					client: server, list: &v1alpha1.SessionTemplateList{}, selector: client.MatchingFieldsSelector{},
					to: silent{}, now: time.Now, log: slog.New(slog.DiscardHandler), reached: func(bool) {},
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if err := f.run(ctx); err != nil {
					t.Fatal(err)
				}
				var pauses []time.Duration
				for i := range server.asked[1:] {
					pauses = append(pauses, server.asked[i+1].Sub(server.asked[i]))
				}
				if len(pauses) != 50 || slices.Max(pauses) > lastPause || slices.Min(pauses) < firstPause/2 {
					t.Errorf("the pauses are %v", pauses)
				}
			})
		})
	}
}

// silent takes what a feed brings.
type silent struct{}

func (silent) begin()                          {}
func (silent) put(client.Object, uint64, bool) {}
func (silent) remove(client.Object, uint64)    {}
func (silent) end(uint64)                      {}
func (silent) seen(uint64)                     {}
