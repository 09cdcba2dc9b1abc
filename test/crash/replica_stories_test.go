package crash

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var (
	brief      = templates{template("chess", idle(10*time.Second))}
	savedBrief = templates{template("chess", saved, idle(10*time.Second))}
)

// replicaStories are the stories of real gateways. What they ask for takes no time but where that is said.
var replicaStories = []scenario{
	{name: "a first request makes a Session", replicas: true, templates: brief, acts: []act{asks(0, a, 0)}},
	{name: "a request wakes a sleeping one", replicas: true, templates: savedBrief, acts: []act{
		asks(0, a, 0), asks(1, a, 0).onceIn(a, v1alpha1.PhaseAsleep),
	}},
	{name: "a person made it", replicas: true, templates: brief, acts: []act{makes(a), asks(0, a, 0)}},
	{name: "a long request keeps it awake", replicas: true, templates: templates{template("chess", idle(30*time.Second))}, acts: []act{asks(0, a, 35*time.Second)}},
	{name: "a request takes back a sleep in its drain", replicas: true, templates: savedBrief, acts: []act{
		asks(0, a, 0), asks(0, a, 2*time.Second).onceIn(a, v1alpha1.PhaseDraining),
	}},
	{name: "a request takes back a sleep when touches fail for 3 s", replicas: true, templates: savedBrief, acts: []act{
		asks(0, a, 0), together(untouchable(3*time.Second), asks(0, a, 5*time.Second)).onceIn(a, v1alpha1.PhaseDraining),
	}},
	{name: "a request at the other gateway takes back a sleep during its save", replicas: true, templates: savedBrief, acts: []act{
		asks(0, a, 0), asks(1, a, 2*time.Second).onceSaving(),
	}},
	{name: "a request comes while it stops", replicas: true, templates: brief, acts: []act{asks(0, a, 0), asks(0, a, 0).onceIn(a, v1alpha1.PhaseStopping)}},
	{name: "deleted with a request in flight, and asked for again", replicas: true, templates: brief, acts: []act{
		asks(0, a, 5*time.Second), remove(a).onceIn(a, v1alpha1.PhaseAwake), asks(0, a, 0).after(40 * time.Second),
	}},
	{name: "deleted while it sleeps, and asked for again", replicas: true, templates: brief, acts: []act{
		asks(0, a, 0), remove(a).onceIn(a, v1alpha1.PhaseAsleep), asks(1, a, 0),
	}},
	{name: "a gateway ends by SIGTERM", replicas: true, templates: brief, acts: []act{asks(0, a, 5*time.Second), leaves(0).onceIn(a, v1alpha1.PhaseAwake), asks(1, a, 0)}},
	{name: "a gateway is killed", replicas: true, templates: brief, acts: []act{
		asks(0, a, 8*time.Second), killed(0).onceIn(a, v1alpha1.PhaseAwake), asks(1, b, 0),
	}},
	{name: "both gateways make it", replicas: true, demand: 5, templates: brief, acts: []act{together(asks(0, a, 0), asks(1, a, 0))}},
	{name: "five requests for two sessions", replicas: true, demand: 12, templates: brief, acts: []act{
		together(asks(0, a, 0), asks(0, a, time.Second), asks(1, a, 0), asks(0, b, 0), asks(1, b, 3*time.Second)),
	}},
	{name: "the API server is away for 20 s", replicas: true, templates: brief, acts: []act{asks(0, b, 0), together(away(20*time.Second), asks(0, a, 0)), asks(1, b, 0).after(25 * time.Second)}},
}

func leaves(gateway int) act {
	return act{name: fmt.Sprintf("SIGTERM of gateway %d", gateway+1), do: func(w *world) { w.replicas[gateway].leaves() }}
}

func killed(gateway int) act {
	return act{name: fmt.Sprintf("kill of gateway %d", gateway+1), do: func(w *world) { w.replicas[gateway].killed() }}
}

func away(d time.Duration) act {
	return act{name: "the API server goes away", do: func(w *world) { w.awayUntil = w.now().Add(d) }}
}

func untouchable(d time.Duration) act {
	return act{name: "touches fail", do: func(w *world) { w.untouchedUntil = w.now().Add(d) }}
}

// together does acts at the same time.
func together(acts ...act) act {
	var names []string
	for _, a := range acts {
		names = append(names, a.name)
	}
	return act{name: strings.Join(names, " and "), do: func(w *world) {
		for _, a := range acts {
			a.do(w)
		}
	}}
}

// tellReplicas is tell, with faults of the gateways' calls.
func tellReplicas(t *testing.T, s scenario, faults map[int]fault) (story told) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(s, nil)
		w.replicaFaults = faults
		defer w.close()
		w.play()
		w.laws.final()
		story = w.told()
		story.calls = w.replicaCalls
	})
	return story
}

// demands is how many writes say that a session is needed.
func demands(calls []call) (n int) {
	for _, c := range calls {
		if c.what == "touch" || c.what == "create Session" {
			n++
		}
	}
	return n
}

// costs is how many writes more a fault may cost: one, that which is tried again, and one that comes by the jitter of the pace. Whose request
// is lost by a death, or who is told that there is no such thing, asks anew.
func (f fault) costs(demand int) int {
	if f == diesBefore || f == diesAfter || f == notFound {
		return demand + 3
	}
	return 3
}

// TestGatewayCrashAtEveryCall is I4, I6 and I7 of the gateway's hands (002-20, 004-15): in each story a gateway dies before and after each of
// its calls and a new process takes its Lease over, and each call is answered by each error. Each request has its answer, the Leases
// vouch for nothing that is not so, nothing is left in a gateway's memory when all sleep, and a fault costs one touch more at most, and one again.
func TestGatewayCrashAtEveryCall(t *testing.T) {
	t.Parallel()
	began, cases, writes := time.Now(), 0, 0
	for _, s := range replicaStories {
		t.Run(s.name, func(t *testing.T) {
			quiet := tellReplicas(t, s, nil)
			compare(t, "undisturbed", quiet, quiet)
			writes += len(writesOf(quiet.calls))
			demand := s.demand
			for range 3 { // the pace of touches has a jitter
				demand = max(demand, demands(tellReplicas(t, s, nil).calls))
			}
			for k, c := range quiet.calls {
				for f := diesBefore; f <= notFound; f++ {
					if !f.suits(c.writes) {
						continue
					}
					cases++
					name := fmt.Sprintf("call %d (%s): %s", k+1, c.what, f)
					story := tellReplicas(t, s, map[int]fault{k + 1: f})
					compare(t, name, quiet, story)
					if n := demands(story.calls); n > demand+f.costs(demand) {
						t.Errorf("%s: %d touches and creates, and undisturbed %d:\n%s", name, n, demand, story.trace)
					}
				}
				if t.Failed() {
					return
				}
			}
			t.Logf("%d calls, %d of demand\n%s", len(quiet.calls), demand, strings.ReplaceAll(quiet.outcome, "\n", "; "))
		})
	}
	t.Logf("%d stories, %d writes, %d cases in %s", len(replicaStories), writes, cases, time.Since(began))
}

// gatewayMutants are gateways that each leave out a rule, and a story that must break a law by it with some fault.
var gatewayMutants = map[string]struct {
	story  string
	mutate func(*run, client.WithWatch) client.WithWatch
}{
	"it vouches for all there is": {"a request takes back a sleep when touches fail for 3 s", func(p *run, c client.WithWatch) client.WithWatch {
		return interceptor.NewClient(c, interceptor.Funcs{Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			o.SetAnnotations(map[string]string{
				v1alpha1.AnnotationPodUID: string(p.of.uid), v1alpha1.AnnotationWatermark: strconv.FormatInt(p.of.world.store.version, 10),
			})
			return c.Update(ctx, o, opts...)
		}})
	}},
	"it takes a session for gone without a look": {"a request takes back a sleep in its drain", func(_ *run, c client.WithWatch) client.WithWatch {
		return interceptor.NewClient(c, interceptor.Funcs{Get: func(_ context.Context, _ client.WithWatch, _ client.ObjectKey, o client.Object, _ ...client.GetOption) error {
			return isNotFound(o)
		}})
	}},
}

func TestGatewayLawsCanFail(t *testing.T) {
	for name, m := range gatewayMutants {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(replicaStories, func(s scenario) bool { return s.name == m.story })
			s := replicaStories[i]
			quiet := tellReplicas(t, s, nil)
			s.mutateRun = m.mutate
			for k, c := range quiet.calls {
				for f := none; f <= notFound; f++ {
					if f.suits(c.writes) && len(tellReplicas(t, s, map[int]fault{k + 1: f}).broken) > 0 {
						return
					}
				}
			}
			t.Error("no law is broken by it")
		})
	}
}
