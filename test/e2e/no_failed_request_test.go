package e2e

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// someTraffic is random traffic with pauses about as long as idle.after: keys fall asleep all the time, and a client comes
// back at any moment of that.
func someTraffic(w *world) traffic {
	GinkgoHelper()
	return traffic{world: w, keys: 20, clients: 8, think: 2 * time.Second, lasts: lasts("E2E_TRAFFIC", 2*time.Minute)}
}

var _ = It("fails no request while keys fall asleep and wake all the time (000-15, 000-16, 000-17, 000-61, 004-17, 004-21)", Label("long"), SpecPriority(2), func(ctx SpecContext) {
	t := someTraffic(Given(ctx, "traffic", Idle(time.Second), Saved()))
	lasts := t.lasts
	sleeps := int64(lasts / time.Second) // one a second, or this proves little; a machine that is busy with other tests takes longer over them
	t.lasts, t.stop = 10*time.Minute, t.world.enough(ctx, lasts, sleeps)

	Expect(t.audit(ctx, t.run(ctx))).To(BeNumerically(">=", sleeps))
}, SpecTimeout(15*time.Minute))

// enough is closed when so long has passed, and so many sleeps.
func (w *world) enough(ctx context.Context, d time.Duration, sleeps int64) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pass(ctx, d); ctx.Err() == nil; pass(ctx, time.Second) {
			var all v1alpha1.SessionList
			if cl.api.List(ctx, &all, client.InNamespace(w.namespace)) != nil {
				continue
			}
			counted := int64(0)
			for i := range all.Items {
				counted += max(0, all.Items[i].Status.Epoch-1)
			}
			if counted >= sleeps {
				return
			}
		}
	}()
	return done
}
