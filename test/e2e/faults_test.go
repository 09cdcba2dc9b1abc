package e2e

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// fault breaks a part of the cluster; what it leaves broken is mended by the cluster's "up".
type fault struct {
	name string
	play func(ctx context.Context)
	// excuses are the reasons for which a gateway may refuse requests meanwhile, and until excuseLag after.
	excuses []string
	// late are the reasons, each with a cause, for which it may until lateLag after.
	late []string
}

// excuseLag is how long after a fault its excuses hold: a touch is tried for ten seconds, and one that was under way when the API
// server came back ends then.
const excuseLag = 15 * time.Second

// lateLag is how long after a fault a node may tell what that has done to a start: it tells nothing while it is cut off or the API server is away, and
// such faults may follow each other, some ten seconds each.
const lateLag = time.Minute

// Why a request is refused that needs the API server, while that is not there; and, with the cause, one whose container was broken off in its start.
const (
	away      = "Unavailable"
	brokenOff = "StartFailed StartError"
)

func (w *world) faults() []fault {
	return []fault{
		{"a gateway, killed", func(ctx context.Context) { killGateway(ctx, w.gateways[rand.IntN(len(w.gateways))]) }, nil, nil},
		{"the operator, killed", func(ctx context.Context) {
			killOperator(ctx, cl.leads(ctx))
		}, nil, nil},
		// Either takes with it the container that it was starting, and the node says only that it could not be started.
		{"the kubelet, killed", killed("kubelet"), []string{"StartFailed"}, []string{brokenOff}},
		{"containerd, killed", killed("containerd"), []string{"StartFailed"}, []string{brokenOff}},
		{"the API server, killed", killed("kube-apiserver"), []string{away}, nil},
		{"etcd, killed", killed("etcd"), []string{away}, nil},
		{"the node, cut off", func(ctx context.Context) {
			cl.run(ctx, cl.Tool, "cut")
			pass(ctx, 10*time.Second)
		}, []string{away}, nil},
	}
}

// killed kills a component of Kubernetes with kill -9.
func killed(component string) func(context.Context) {
	return func(ctx context.Context) { cl.run(ctx, cl.Tool, "kill", component) }
}

// excuses are the reasons for which requests may be refused now.
type excuses struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (e *excuses) hold(reasons []string, d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range reasons {
		e.until[r] = time.Now().Add(d)
	}
}

func (e *excuses) excused(a answer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	return now.Before(e.until[a.Reason]) || now.Before(e.until[a.Reason+" "+a.Cause])
}

var _ = It("loses nothing, and refuses only what it must, whatever part of the cluster dies under traffic", Serial, Label("long"), func(ctx SpecContext) {
	if len(cl.Shell) > 0 {
		Skip("kind: node and API server are one container")
	}
	w := Given(ctx, "faults", Idle(time.Second), Saved(), WakeTimeout(3*time.Minute)) // for seven faults may follow each other
	DeferCleanup(func(ctx context.Context) { cl.run(ctx, cl.Tool, "up") }, NodeTimeout(2*time.Minute))
	defer cl.forgiveOperators(ctx)
	over, excuse := make(chan struct{}), &excuses{until: map[string]time.Time{}}
	t := someTraffic(w)
	t.lasts, t.stop, t.excused = time.Hour, over, excuse.excused
	sent := make(chan *tally, 1)
	go func() { sent <- t.run(ctx) }()

	played := w.playFaults(ctx, excuse, lasts("E2E_FAULTS", 0))
	pass(ctx, excuseLag)
	close(over)
	var sum *tally
	Eventually(ctx, sent).WithTimeout(patience).Should(Receive(&sum))
	sleeps := t.audit(ctx, sum)
	say("faults: %v; refused meanwhile: %v", played, sum.refused)
	Expect(sleeps).To(BeNumerically(">=", 20), "or this has proved little")
}, SpecTimeout(30*time.Minute))

// leads is the operator that leads, once one has said so: the one that did may have ended for want of an API server.
func (c *cluster) leads(ctx context.Context) (name string) {
	GinkgoHelper()
	since := time.Now()
	Eventually(ctx, func(ctx context.Context) (at time.Time) {
		name, at = c.leader(ctx)
		return at
	}).Should(BeTemporally(">", since), "nobody leads")
	return name
}

// forgiveOperators takes the ends of operators for asked for: one that cannot renew its lease ends itself. A gateway never does.
func (c *cluster) forgiveOperators(ctx context.Context) {
	GinkgoHelper()
	now := c.restarts(ctx)
	for _, p := range c.podsOf(ctx, operators) {
		c.Kills[p.Name] = now[p.Name]
	}
}

// playFaults plays each fault, in any order, and again until the time is over. It counts them. After each one it starts what was killed, and what has
// ended itself, as a node's kubelet does: a scheduler that an API server's death leaves with two opinions of one pod.
func (w *world) playFaults(ctx context.Context, excuse *excuses, d time.Duration) map[string]int {
	GinkgoHelper()
	played, until := map[string]int{}, time.Now().Add(d)
	for round := 0; round == 0 || time.Now().Before(until); round++ {
		all := w.faults()
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, f := range all {
			say("%s", f.name)
			excuse.hold(f.excuses, time.Hour)
			f.play(ctx)
			cl.run(ctx, cl.Tool, "up")
			excuse.hold(f.excuses, excuseLag)
			excuse.hold(f.late, lateLag)
			played[f.name]++
			pass(ctx, 3*time.Second)
		}
	}
	return played
}
