package sight

import (
	"context"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// gateways is an API server that has their Leases, by name, with the version that each has passed.
type gateways map[string]string

func (g gateways) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	for name, watermark := range g {
		l := lease(watermark, "", time.Time{})
		l.Name = name
		into := list.(*coordinationv1.LeaseList)
		into.Items = append(into.Items, *l)
	}
	return nil
}

func (gateways) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	panic("a Lease without a pod is asked for its pod")
}

// A question names the gateway that it waits for, and whoever asked is called when that is another one; but not while it is fresh (004-16).
func TestLagging(t *testing.T) {
	const uid, version = types.UID("u"), "100"
	now, seen := time.Unix(1000, 0), 0
	known := gateways{"c": "100", "b": "99", "a": "99"}
	s := &Sight{Reader: known, Now: func() time.Time { return now }, Seen: func(types.NamespacedName) { seen++ }}
	if got := s.Lagging(uid); got != "" {
		t.Errorf("%q lags before anything was asked", got)
	}
	s.Passed(uid, types.NamespacedName{Name: "chess.a"}, version)
	for _, step := range []struct {
		gateway, watermark string
		after              time.Duration
		lagging            string
		seen               int
	}{
		{"a", "99", 0, "a", 0},
		{"a", "100", 0, "b", 0},
		{"a", "99", doubt, "a", 1},
		{"a", "99", 0, "a", 1},
		{"a", "100", 0, "b", 2},
		{"b", "100", 0, "", 3},
		{"b", "100", 0, "", 3},
	} {
		now = now.Add(step.after)
		known[step.gateway] = step.watermark
		if err := s.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.Lagging(uid); got != step.lagging || seen != step.seen {
			t.Errorf("%+v: %q lags, called %d times", step, got, seen)
		}
	}
	if !s.Passed(uid, types.NamespacedName{Name: "chess.a"}, version) {
		t.Error("the question is not answered")
	}
}
