package cluster

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// That a session is over is remembered for a minute since it was last heard, of so many sessions, and of none that is in sight or can be woken.
func TestFinalsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := directory.View{Failure: directory.Failure{Final: directory.Gone}}
		id := func(n int) directory.ID { return directory.ID{Namespace: "ns", Name: strconv.Itoa(n)} }
		var f finals
		f.note(id(0), &directory.View{})
		f.note(id(0), &directory.View{State: directory.Failed, Failure: over.Failure})
		if f.knows(id(0)) {
			t.Error("it takes for over what can be woken, or is in sight")
		}
		for n := range mostFinals + 1 {
			f.note(id(n), &over)
		}
		if !f.knows(id(0)) || !f.knows(id(mostFinals-1)) || f.knows(id(mostFinals)) {
			t.Error("it does not remember just as many as it may")
		}
		time.Sleep(finalFor - 1)
		f.note(id(0), &over)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if f.knows(id(1)) || !f.knows(id(0)) {
			t.Error("it remembers for another time than since it was last heard")
		}
		time.Sleep(finalFor)
		synctest.Wait()
		if len(f.timers) != 0 {
			t.Errorf("it still holds %d", len(f.timers))
		}
	})
}

// 000-04, 000-58
var _ = DescribeTable("A client that asks again and again for a session that no request wakes costs one write, and is served as soon as it can be",
	func(ctx SpecContext, over, again func(*v1alpha1.Session), refusal types.GomegaMatcher) {
		namespace := newNamespace(ctx)
		s := newSession(namespace, "a")
		create(ctx, s)
		change := func(how func(*v1alpha1.Session)) {
			GinkgoHelper()
			Expect(server.Client.Get(ctx, keyOf(s), s)).To(Succeed())
			how(s)
			Expect(server.Client.Update(ctx, s)).To(Succeed())
			operator(ctx, s, func(*v1alpha1.SessionStatus) { how(s) })
		}
		change(over)
		h := runs(ctx, namespace, "gw")
		for range 20 {
			Expect(h.Wake(ctx, wishFor(s))).To(refusal)
		}
		Expect(h.line.touches.Load()).To(BeEquivalentTo(1))

		change(again)
		done := h.wakes(ctx, wishFor(s))
		Eventually(h.line.touches.Load).Should(BeEquivalentTo(2))
		operator(ctx, s, published(1))
		Eventually(ctx, done).Should(Receive(BeNil()))
	},
	Entry("that is suspended", func(s *v1alpha1.Session) { s.Spec.Suspend, s.Status.Phase = true, v1alpha1.PhaseAsleep },
		func(s *v1alpha1.Session) { s.Spec.Suspend = false }, refusedWith(directory.Suspended)),
	Entry("that is completed, until somebody gives it another life by hand", func(s *v1alpha1.Session) { s.Status.Phase = v1alpha1.PhaseCompleted },
		func(s *v1alpha1.Session) { s.Status.Phase = v1alpha1.PhaseAsleep }, refusedWith(directory.Gone)),
)

var _ = It("A request for a key whose session was completed and is gone is answered as for any that there never was (000-07)", func(ctx SpecContext) {
	namespace := newNamespace(ctx)
	s := newSession(namespace, "a")
	create(ctx, s)
	operator(ctx, s, func(status *v1alpha1.SessionStatus) { status.Phase = v1alpha1.PhaseCompleted })
	h := runs(ctx, namespace, "gw")
	Expect(h.Wake(ctx, wishFor(s))).To(refusedWith(directory.Gone))
	Expect(server.Client.Delete(ctx, s)).To(Succeed())
	Expect(h.Wake(ctx, wishFor(s))).To(refusedWith(directory.NotFound))
})
