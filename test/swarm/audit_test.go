//go:build linux

package swarm

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// settle waits until all sleep: no request comes any more.
func (r *run) settle() {
	var left string
	asleep := func() bool {
		left = r.awake()
		return left == ""
	}
	if !r.wait(2*time.Minute, "all sessions sleep, and nothing is left of them", asleep) {
		r.fault("left:\n%s", left)
	}
}

// awake is what does not sleep, in words; empty: all does.
func (r *run) awake() string {
	var text strings.Builder
	var sessions v1alpha1.SessionList
	var pods corev1.PodList
	if err := r.api.List(r.ctx, &sessions); err != nil {
		return err.Error()
	}
	for i := range sessions.Items {
		s := &sessions.Items[i]
		if s.Status.Phase != v1alpha1.PhaseAsleep && s.Status.Phase != "" {
			fmt.Fprintf(&text, "session %s/%s: %s, %s, epoch %d\n", s.Namespace, s.Name, s.Status.Phase, s.ReadyReason(), s.Status.Epoch)
		}
	}
	if err := r.api.List(r.ctx, &pods); err != nil {
		return err.Error()
	}
	for i := range pods.Items {
		if p := &pods.Items[i]; p.Namespace != system {
			fmt.Fprintf(&text, "pod %s/%s: %s, %v, finalizers %q\n", p.Namespace, p.Name, p.Status.Phase, p.DeletionTimestamp, p.Finalizers)
		}
	}
	if processes, used := r.kubelet.counts(); processes+used > 0 {
		fmt.Fprintf(&text, "%d processes, and %d addresses in use\n", processes, used)
	}
	for _, g := range r.gateways {
		text.WriteString(g.remembers())
	}
	return text.String()
}

// audit looks at what is left, asks some keys once more, deletes all sessions, and judges the histories.
func (r *run) audit() {
	r.reopen()
	r.settle()
	var sessions v1alpha1.SessionList
	r.must("list sessions", func() error { return r.api.List(r.ctx, &sessions) })
	r.tally.add("sessions", int64(len(sessions.Items)))
	for _, key := range sortedNames(r.history.ops) {
		r.history.add(op{key: key, call: r.now(), ret: r.now(), sure: true, answer: answer{Count: r.store.count(key)}})
	}
	for i := range sessions.Items {
		s := &sessions.Items[i]
		r.must("delete session", func() error { return client.IgnoreNotFound(r.api.Delete(r.ctx, s)) })
	}
	r.wait(2*time.Minute, "all sessions go when they are deleted", func() bool {
		return r.api.List(r.ctx, &sessions) == nil && len(sessions.Items) == 0
	})
	r.settle()
	for _, key := range sortedNames(r.history.ops) {
		for _, found := range judge(key, r.history.ops[key]) {
			r.fault("%s", found)
		}
	}
	for _, refused := range r.store.refused {
		r.fault("the store: %s", refused)
	}
}

// reopen asks every tenth key once more.
func (r *run) reopen() {
	c := &caller{run: r, rand: rand.New(rand.NewPCG(r.seed, 7))}
	for i, key := range r.keys {
		if i%10 == 0 {
			c.call(r.ctx, key, 0, "")
		}
	}
}

// covered fails the test if it has not done what it is for: what did not happen was not tried.
func (r *run) covered() {
	wanted := []string{"pods crashed", "addresses recycled", "of them to another tenant", "served"}
	for _, deck := range []map[string]func(*rand.Rand){r.kills(), r.lives()} {
		wanted = append(wanted, sortedNames(deck)...)
	}
	for _, what := range troubles {
		wanted = append(wanted, "API faults: "+string(what))
	}
	for _, what := range wanted {
		if what != "" && r.tally.get(what) == 0 {
			r.t.Errorf("not covered: %s", what)
		}
	}
}
