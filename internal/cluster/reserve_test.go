package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// What was counted and what was made since are at most the limit; what was not made gives its place back (000-60).
func TestReserve(t *testing.T) {
	chess := directory.ID{Namespace: "games", Name: "chess"}
	all := &templates{known: map[directory.ID]*known{chess: {limit: ptr.To[int32](3), counted: 1}}}
	for i, want := range []bool{true, true, false} {
		if got := all.reserve(chess, noon.Time); got != want {
			t.Errorf("number %d: %v, want %v", i+2, got, want)
		}
	}
	all.unmade(chess)
	if !all.reserve(chess, noon.Time) || all.reserve(chess, noon.Time) {
		t.Error("want one more after one was not made")
	}
}

// Whoever comes while a failed start backs off is told at once, and whoever comes after it tries again (000-04).
func TestAFailureIsToldUntilItsTime(t *testing.T) {
	w := &waker{toucher: &toucher{now: func() time.Time { return noon.Time }}}
	for left, want := range map[time.Duration]bool{time.Minute: true, 0: false} {
		decided, err := w.verdict(directory.View{State: directory.Failed, Failure: directory.Failure{RetryAt: noon.Add(left)}})
		if decided != want || (err != nil) != want {
			t.Errorf("%v before the next try: %v, %v", left, decided, err)
		}
	}
}

// asked is an API server that only notes what list it was asked for.
type asked struct {
	client.WithWatch
	options client.ListOptions
}

var errAsked = errors.New("asked")

func (a *asked) List(_ context.Context, _ client.ObjectList, opts ...client.ListOption) error {
	a.options.ApplyOptions(opts)
	return errAsked
}

// A gateway that starts from an old list dials addresses that are another's by now.
func TestAListIsNeverOld(t *testing.T) {
	a := &asked{}
	f := &feed{client: a, list: &v1alpha1.SessionList{}, selector: client.MatchingFieldsSelector{}, to: &templates{}}
	if err := f.relist(t.Context()); !errors.Is(err, errAsked) {
		t.Fatal(err)
	}
	if raw := a.options.AsListOptions(); raw.ResourceVersion != "" || raw.ResourceVersionMatch != "" {
		t.Errorf("a list as of version %q (%s) may be old", raw.ResourceVersion, raw.ResourceVersionMatch)
	}
}
