package crash

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/internal/savehook"
	"github.com/dormouse-dev/dormouse/internal/sight"
)

// mutants are operators that each leave out one rule, and a story that must break a law by it.
var mutants = map[string]struct {
	story  string
	mutate func(*operator)
}{
	"no gateway is waited for": {"wake and sleep", func(op *operator) {
		op.r.Sight = &sight.Sight{Reader: noLeases{op.r.Live}, Now: op.world.now, Seen: op.ask}
	}},
	"no save is made": {"sleep with save", func(op *operator) {
		op.r.Hooks = &savehook.Hooks{HTTP: deafSave{}, Now: op.world.now, Ended: op.ask}
	}},
	"no pod has our finalizer": {"forced delete of the pod", func(op *operator) {
		op.r.Client = interceptor.NewClient(op.client(), interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			o.SetFinalizers(nil)
			return c.Create(ctx, o, opts...)
		}})
	}},
	"a node that is not heard of is taken for gone": {"node that is lost and then out of service", func(op *operator) {
		op.r.Client = interceptor.NewClient(op.client(), interceptor.Funcs{Get: withoutNodes})
		op.r.Live = interceptor.NewClient(op.world.api, interceptor.Funcs{Get: withoutNodes})
	}},
}

type noLeases struct{ client.Reader }

func (noLeases) List(context.Context, client.ObjectList, ...client.ListOption) error { return nil }

type deafSave struct{}

func (deafSave) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
}

func withoutNodes(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if _, ok := o.(*corev1.Node); ok {
		return apierrors.NewNotFound(corev1.Resource("nodes"), key.Name)
	}
	return c.Get(ctx, key, o, opts...)
}

func TestLawsCanFail(t *testing.T) {
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			s := storyOf(t, m.story)
			s.mutate = m.mutate
			if story := tell(t, s, nil); len(story.broken) == 0 {
				t.Errorf("no law is broken by it:\n%s", story.trace)
			}
		})
	}
}

func storyOf(t *testing.T, name string) scenario {
	t.Helper()
	for _, s := range scenarios {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("there is no story of %s", name)
	return scenario{}
}

// TestStaleCanFail has an operator that writes a status over whatever is there. Schedules must find it.
func TestStaleCanFail(t *testing.T) {
	examples, found := rapid.Custom(drawSchedule), false
	for seed := 0; seed < 200 && !found; seed++ {
		s := examples.Example(seed)
		s.world.mutate = func(op *operator) {
			op.r.Client = interceptor.NewClient(op.client(), interceptor.Funcs{SubResourcePatch: unlocked})
		}
		found = len(survive(t, s).broken) > 0
	}
	if !found {
		t.Error("no schedule finds an operator that writes over whatever is there")
	}
}

func unlocked(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	words, err := patch.Data(o)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(words, &fields); err != nil {
		return err
	}
	delete(fields, "metadata")
	if words, err = json.Marshal(fields); err != nil {
		return err
	}
	return c.SubResource(sub).Patch(ctx, o, client.RawPatch(patch.Type(), words), opts...)
}
