//go:build linux

package swarm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const (
	// greeterTemplate is of sessions that end by themselves when they have greeted, as those of examples/03-greeter do.
	greeterTemplate = "greeter"
	greetings       = 1 // of one greeter

	// passers are how many clients there are, and how many sessions are awake at once, at most.
	passers = 64
	// eventTTL is how long the API server keeps an event. With the hour that it has by default those of a million keys would fill etcd.
	eventTTL = 2 * time.Second
)

// What is no growth.
const (
	slack         = 8         // goroutines: of a connection to the API server, of a collection
	freshSeries   = 100       // metrics, of a process: some kinds of conflict, refusal and error, with a histogram each
	gatewayNoise  = 256 << 10 // bytes of heap
	operatorNoise = 1 << 20
	eventsOfKey   = 6 << 10 // of each key: client-go keeps its three events for a while
)

// passage is keys that come once and never again, one after the other.
type passage struct {
	*run
	passed atomic.Int64
}

// 000-59, 001-02, 001-04, 001-11: however many keys pass through, each is served by a process of its own that ends by itself, and all that there was
// of them goes: objects, metrics, goroutines, memory.
func TestPassing(t *testing.T) {
	if testing.Short() {
		t.Skip("the passage takes half a minute: not with -short")
	}
	klog.SetLogger(logr.Discard()) // of the client of this test
	log.SetLogger(logr.Discard())
	p := openPassage(t)
	plan := planned(t)
	p.pass(plan.warmUp)
	first := p.rest()
	t.Logf("after the first %d keys:\n%s", plan.warmUp, first)
	began := time.Now()
	for plan.goesOn(p.passed.Load(), time.Since(began)) && len(p.faults) == 0 {
		before := p.effort()
		took := p.pass(plan.round)
		t.Logf("%d keys more, %.1f a second; processor time of each: %s", plan.round, float64(plan.round)/took.Seconds(), before.each(p.effort(), plan.round))
		now := p.rest()
		t.Logf("%d keys have passed; since the first %d:\n%s", p.passed.Load(), plan.warmUp, now.since(first))
		p.same(first, now)
	}
	if !plan.short {
		t.Parallel() // the other tests go on while this one waits
	}
	p.back(plan, first)
	t.Logf("in all:\n%s", p.tally)
	if len(p.faults) > 0 {
		t.Errorf("%d faults, the first of them:\n%s", len(p.faults), p.faults[0])
	}
}

// plan is how many keys pass.
type plan struct {
	short         bool
	warmUp, round int
	keys          int64         // at least, after the warm-up
	lasts         time.Duration // at least
}

// planned is a short run, one that SOAK lets last, or one of KEYS keys.
func planned(t *testing.T) plan {
	t.Helper()
	p := plan{short: true, warmUp: 100, round: 300, keys: 300}
	if lasts, long := soak(t); long {
		p = plan{warmUp: 200, round: 2000, lasts: lasts}
	}
	if text := os.Getenv("KEYS"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		p = plan{warmUp: 200, round: 5000, keys: n}
	}
	return p
}

func (p plan) goesOn(passed int64, lasted time.Duration) bool {
	return passed < p.keys+int64(p.warmUp) || lasted < p.lasts
}

// openPassage is a stage with greeters.
func openPassage(t *testing.T) *passage {
	t.Helper()
	r := stage(t, func(r *run) {
		greeter := newTemplate("red", greeterTemplate)
		greeter.Spec.Save, greeter.Spec.Identity, greeter.Spec.Idle.After = nil, nil, &metav1.Duration{Duration: time.Hour}
		greeter.Spec.Restart = v1alpha1.RestartSpec{Policy: v1alpha1.RestartTransient}
		greeter.Spec.Lifetime.Asleep = &metav1.Duration{Duration: time.Second}
		greeter.Spec.Limits.Awake = ptr.To(int32(passers))
		r.create(greeter)
	})
	return &passage{run: r}
}

// stage is an operator and two gateways, which talk to the API server as it is, a namespace "red", and a kubelet that does all at once.
func stage(t *testing.T, populate func(r *run)) *run {
	t.Helper()
	r, cancel := ground(t, "--event-ttl="+eventTTL.String(), "--etcd-compaction-interval=30s")
	r.kubelet.prompt = true
	r.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "red"}})
	populate(r)
	file := r.straight()
	r.openOperator("operator", nil, file) // without a lease to lose: one that is started again has forgotten what it kept
	for i := range 2 {
		r.openGateway(fmt.Sprintf("gateway-%d", i), nil, file, "--log-level=WARN", "--wakes-per-client=-1") // all clients have one address here
	}
	t.Cleanup(cancel)
	for _, g := range r.gateways {
		g.ready()
	}
	r.wait(time.Minute, "the templates are accepted and known", r.known)
	return r
}

// pass has so many keys pass that never came before, and gives the time that their requests took.
func (p *passage) pass(n int) time.Duration {
	began, until := time.Now(), p.passed.Load()+int64(n)
	var all sync.WaitGroup
	for i := range passers {
		all.Go(func() {
			for p.ctx.Err() == nil {
				key := p.passed.Add(1)
				if key > until {
					p.passed.Add(-1)
					return
				}
				p.greet(p.gateways[i%len(p.gateways)], fmt.Sprintf("red/%s/guest-%d", greeterTemplate, key))
			}
		})
	}
	all.Wait()
	return time.Since(began)
}

// greet is all that is ever asked of a key. Who is told that it was not woken in time asks again: a machine with much else to do may
// hold up all of this for longer than that.
func (p *passage) greet(g *gateway, key string) {
	for p.ctx.Err() == nil {
		status, body, err := g.ask(p.ctx, key, 1, "")
		var a answer
		var why problem
		switch {
		case err == nil && status == http.StatusOK && json.Unmarshal(body, &a) == nil && a.Key == key && a.Count == greetings && a.Epoch == 1:
			return
		case err == nil && json.Unmarshal(body, &why) == nil && why.Reason == "WakeTimeout" && why.Outcome == "not-sent":
			p.tally.add("asked again", 1)
		default:
			p.fault("%s by way of %s: %d %s %v", key, g.name, status, body, err)
			return
		}
	}
}

// rest waits until nothing is left of any key, and looks.
func (p *passage) rest() look {
	var left string
	if !p.wait(2*time.Minute, "nothing is left of any key", func() bool { left = p.left(); return left == "" }) {
		p.fault("left:\n%s", left)
	}
	return p.look()
}

// left is what is there of keys, in words.
func (p *passage) left() string {
	var sessions v1alpha1.SessionList
	var events corev1.EventList
	if err := p.api.List(p.ctx, &sessions); err != nil {
		return err.Error()
	}
	if err := p.api.List(p.ctx, &events); err != nil {
		return err.Error()
	}
	if n, m := len(sessions.Items), len(events.Items); n+m > 0 {
		return fmt.Sprintf("%d sessions, %d events", n, m)
	}
	return p.awake()
}

// same is what each round leaves as it found it. The operator's memory comes back later.
func (p *passage) same(first, now look) {
	if !maps.Equal(first.objects, now.objects) {
		p.fault("objects that are left: %v, and %v before", now.objects, first.objects)
	}
	for name, v := range now.processes {
		was := first.processes[name]
		if v.goroutines > was.goroutines+slack {
			p.fault("%s has %d goroutines, and had %d", name, v.goroutines, was.goroutines)
		}
		p.few(name, was.series, v.series)
	}
	for _, g := range p.gateways {
		if grown := now.processes[g.name].heap - first.processes[g.name].heap; grown > gatewayNoise {
			p.fault("the heap of %s has grown by %d bytes", g.name, grown)
		}
	}
}

// few says that the series are those that were there, but for the first conflict or refusal of its kind. None is of a key.
func (p *passage) few(name string, before, now map[string]bool) {
	fresh := 0
	for s := range now {
		if !before[s] {
			fresh++
		}
		if strings.Contains(s, "guest") {
			p.fault("%s has a series for a key: %s", name, s)
		}
	}
	if fresh > freshSeries {
		p.fault("%s has %d series that were not there", name, fresh)
	}
}

// back says that the operator's memory is what it was. client-go keeps each event for 6 to 12 minutes, to count those that come again: a
// short run allows for them, and a long one waits for them to go.
func (p *passage) back(plan plan, first look) {
	for _, o := range p.operators {
		was, grown := first.processes[o.name].heap, int64(0)
		back := func() bool { grown = int64(p.metrics(o.admin)[liveHeap]) - was; return grown <= operatorNoise }
		if plan.short {
			grown = p.liveOf(o) - was
			if most := operatorNoise + plan.keys*eventsOfKey; grown > most {
				p.fault("the heap of %s has grown by %d bytes, and %d are the most for %d keys", o.name, grown, most, plan.keys)
			}
		} else if !p.wait(13*time.Minute, "the operator's heap is as it was", back) {
			p.fault("the heap of %s has grown by %d bytes", o.name, grown)
		}
		if n := o.started(); n > 1 {
			p.fault("%s was started %d times: its memory proves nothing", o.name, n)
		}
		p.t.Logf("heap of %s in the end: %+d bytes", o.name, grown)
	}
}
