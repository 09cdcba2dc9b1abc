package crash

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

// server is a real API server in the place of the store. Time is a clock that is set, and what goes on beside the turns is waited for.
type server struct {
	client  client.WithWatch
	clock   *testingclock.FakePassiveClock
	objects shelf
	log     []change
	probes  int

	changed   map[string]bool // kinds, since the last look
	unsettled bool            // since the last time that all was waited for
}

func newServerWorld(t *testing.T, api *apiserver.Server, script scenario, faults map[int]fault) *world {
	t.Helper()
	w := emptyWorld(script, faults)
	var err error
	w.namespace, err = api.Namespace(t.Context())
	must(t, err)
	w.server = &server{client: api.Client, clock: testingclock.NewFakePassiveClock(time.Now()), objects: shelf{}, changed: map[string]bool{}}
	w.api, w.now = w.server.watched(), w.server.clock.Now
	w.begin()
	return w
}

// watched is the client, and notes each write.
func (s *server) watched() client.WithWatch {
	wrote := func(o client.Object, err error) error {
		s.changed[idOf(o).kind], s.unsettled = true, true
		return err
	}
	return interceptor.NewClient(s.client, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return wrote(o, c.Create(ctx, o, opts...))
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return wrote(o, c.Delete(ctx, o, opts...))
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			return wrote(o, c.Update(ctx, o, opts...))
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return wrote(o, c.Patch(ctx, o, patch, opts...))
		},
		SubResourceCreate: func(ctx context.Context, c client.Client, sub string, o, to client.Object, opts ...client.SubResourceCreateOption) error {
			return wrote(o, c.SubResource(sub).Create(ctx, o, to, opts...))
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, o client.Object, opts ...client.SubResourceUpdateOption) error {
			return wrote(o, c.SubResource(sub).Update(ctx, o, opts...))
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return wrote(o, c.SubResource(sub).Patch(ctx, o, patch, opts...))
		},
	})
}

// look lists all that was written, and logs what has changed since it looked last, in the order of versions.
func (s *server) look(namespace string) error {
	var news []change
	seen := map[id]bool{}
	for _, list := range []client.ObjectList{
		&v1alpha1.SessionTemplateList{}, &v1alpha1.SessionList{}, &corev1.PodList{}, &corev1.NodeList{}, &coordinationv1.LeaseList{},
	} {
		if !s.changed[idOf(list).kind] {
			continue
		}
		delete(s.changed, idOf(list).kind)
		options := []client.ListOption{client.InNamespace(namespace)}
		if _, ok := list.(*corev1.NodeList); ok {
			options = nil
		}
		if err := s.client.List(context.Background(), list, options...); err != nil {
			return err
		}
		err := meta.EachListItem(list, func(o runtime.Object) error {
			object := o.(client.Object)
			at := idOf(object)
			seen[at] = true
			if known := s.objects[at]; known == nil || known.GetResourceVersion() != object.GetResourceVersion() {
				s.objects[at] = object
				news = append(news, change{at, object, number(object.GetResourceVersion())})
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, at := range s.objects.sorted(idOf(list).kind) {
			if !seen[at] {
				delete(s.objects, at)
				news = append(news, change{at, nil, number(list.GetResourceVersion())})
			}
		}
	}
	slices.SortStableFunc(news, func(a, b change) int { return cmp.Compare(a.version, b.version) })
	s.log = append(s.log, news...)
	return nil
}

func number(version string) int64 {
	n, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// settle waits until each operator has looked at the gateways: a list that begins after another one has ended what that one was for.
func (s *server) settle(w *world) {
	if !s.unsettled {
		return
	}
	s.unsettled = false
	for _, op := range w.ops {
		for range 2 {
			select {
			case <-op.listed:
			default:
			}
			s.probes++
			op.r.Sight.Passed("probe", types.NamespacedName{}, strconv.Itoa(s.probes))
			<-op.listed
		}
	}
}

// every is which of the cases are played against a real API server, from the first on.
const every = 401

// TestRealServer plays a sample of the cases against a real API server, and all its stories undisturbed: they end as in memory, so that
// the store is as honest as these stories can tell. Left out are those with a save, which takes time of its own, and with volumes, which
// a controller that is not there would have to let go.
func TestRealServer(t *testing.T) {
	t.Parallel()
	api, err := apiserver.Start()
	must(t, err)
	defer func() { must(t, api.Stop()) }()
	cases, stories := 0, 0
	for _, s := range scenarios {
		if !forServer(s) {
			continue
		}
		stories++
		quiet := tell(t, s, nil)
		writes := writesOf(quiet.calls)
		real := tellServer(t, api, s, nil)
		if got, want := names(real.calls), names(writes); !slices.Equal(got, want) {
			t.Errorf("%s: the writes are\n%s\nand in memory\n%s", s.name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		compare(t, s.name, quiet, real)
		for k := range writes {
			for f := diesBefore; f <= notFound; f++ {
				if cases++; cases%every == 1 {
					name := s.name + ": " + writes[k].what + ": " + f.String()
					compare(t, name, quiet, tellServer(t, api, s, map[int]fault{k + 1: f}))
				}
			}
		}
	}
	t.Logf("%d stories, and %d of %d cases, against a real API server", stories, cases/every+1, cases)
}

func forServer(s scenario) bool {
	return !slices.ContainsFunc(s.templates, func(t *v1alpha1.SessionTemplate) bool {
		return t.Spec.Save != nil || len(t.Spec.VolumeClaimTemplates) > 0
	})
}

func writesOf(calls []call) []call {
	return slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return !c.writes })
}

func names(calls []call) (names []string) {
	for _, c := range calls {
		names = append(names, c.what)
	}
	return names
}

func tellServer(t *testing.T, api *apiserver.Server, s scenario, faults map[int]fault) told {
	t.Helper()
	w := newServerWorld(t, api, s, faults)
	defer w.close()
	w.play()
	w.laws.final()
	for _, name := range []string{"node-1", "node-2"} {
		must(t, api.Client.Delete(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}))
	}
	return w.told()
}
