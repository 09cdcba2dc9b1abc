package session

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/savehook"
)

// quiet is how long nobody may need a session of SavedQuiet until it is saved; its template idles after a minute.
const quiet = 20 * time.Second

// SavedQuiet has a session saved, too, while it serves on.
func SavedQuiet(t *v1alpha1.SessionTemplate) {
	t.Spec.Save = &v1alpha1.SaveSpec{Path: "/save", After: &metav1.Duration{Duration: quiet}}
}

// tried waits until the save that a session needs now was tried, and says how that ended.
func tried(ctx SpecContext, s *v1alpha1.Session) savehook.State {
	GinkgoHelper()
	state := func() savehook.State { return r.Hooks.State(client.ObjectKeyFromObject(s), occasionOf(Now(ctx, s))) }
	Eventually(ctx, state).WithTimeout(10 * time.Second).Should(Or(HaveField("Done", true), HaveField("Err", Not(BeNil()))))
	return state()
}

var _ = Describe("A session that is saved while it serves", func() {
	It("is saved once for each time that nobody needs it, at no write, and again before its stop (000-53)", func(ctx SpecContext) {
		GivenTemplate(ctx, SavedQuiet)
		s := GivenAwake(ctx, "a")
		for times := 1; times <= 2; times++ {
			Touch(ctx, s)
			Expect(Turn(ctx, s)).To(Equal(quiet))
			awake := Now(ctx, s)
			clk.SetTime(clk.Now().Add(quiet))
			Expect(Turn(ctx, s)).To(Equal(time.Minute-quiet), "its idle time is not asked for while the save lasts")
			Expect(tried(ctx, s).Err).NotTo(HaveOccurred())
			Expect(Turn(ctx, s)).To(Equal(time.Minute - quiet))
			Expect(saves.asked).To(Equal(times))
			Expect(Now(ctx, s).ResourceVersion).To(Equal(awake.ResourceVersion))
		}
		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Expect(saves.asked).To(Equal(3), "a save before the last request was taken for one after it")
	})

	It("serves on when that save fails, which is told and tried again (000-53)", func(ctx SpecContext) {
		saves.status = http.StatusInternalServerError
		GivenTemplate(ctx, SavedQuiet)
		s := GivenAwake(ctx, "a")
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(quiet))
		Turn(ctx, s)
		Expect(tried(ctx, s).Err).To(MatchError(ContainSubstring("500")))
		Expect(Turn(ctx, s)).To(Equal(time.Second))
		saves.status = http.StatusOK
		clk.SetTime(clk.Now().Add(time.Second))
		Expect(Reconciled(ctx, s)).To(And(HavePhase(v1alpha1.PhaseAwake), HaveReason(v1alpha1.ReasonServing)))
		Eventually(recorder.Events).Should(Receive(ContainSubstring("Warning SaveFailed The last save failed and is tried again: save answered 500")))
		Eventually(ctx, func() savehook.State { return tried(ctx, s) }).Should(HaveField("Done", true))
	})
})
