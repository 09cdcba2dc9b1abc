package cluster

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gstruct"
	"github.com/onsi/gomega/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	contract "github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
)

// serves answers the Session API of a gateway, openly, and gives a client of it.
func (h *hands) serves() (*contract.Client, string) {
	GinkgoHelper()
	api := &sessionapi.API{Sessions: h.Sessions(), Pods: h.Pods(), Open: true, Authorize: sessionapi.AsAnyone(true)}
	s := httptest.NewServer((&gateway.Gateway{Now: time.Now, Log: h.options.Log, API: api}).Handler())
	DeferCleanup(s.Close)
	return contract.New(s.URL, contract.Options{}), s.URL
}

// problem matches a refusal of the API.
func problem(status int, reason string) types.GomegaMatcher {
	return gstruct.PointTo(And(HaveField("Status", status), HaveField("Reason", reason)))
}

var _ = Describe("The Session API", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	ref := func(key string) contract.Ref {
		return contract.Ref{Namespace: namespace, Template: "chess", Key: key}
	}

	It("makes a session once, which is not woken by that, and says so where it is another", func(ctx SpecContext) {
		template := newTemplate(namespace, "chess")
		template.Spec.Key.Pattern = "[a-z/]+"
		create(ctx, template)
		h := runs(ctx, namespace, "gw")
		api, _ := h.serves()
		n := contract.Spec{Tenant: "alice", Input: ptr.To("e4"), Schedule: "0 6 * * *", TimeZone: "Europe/Berlin", Alarms: []string{"2036-12-24T18:00:00Z"}}
		s, made, err := api.Create(ctx, ref("a/b"), n)
		Expect(err).NotTo(HaveOccurred())
		Expect(made).To(BeTrue())
		Expect(s).To(And(HaveField("Key", "a/b"), HaveField("Tenant", "alice"), HaveField("Phase", ""), HaveField("Activity", BeNil())))

		again, made, err := api.Create(ctx, ref("a/b"), n)
		Expect(err).NotTo(HaveOccurred())
		Expect(made).To(BeFalse())
		Expect(again).To(Equal(s))
		_, made, err = api.Create(ctx, ref("a/b"), contract.Spec{})
		Expect(err).NotTo(HaveOccurred(), "what is not said may be as it is")
		Expect(made).To(BeFalse())
		for cause, other := range map[string]contract.Spec{
			"input": {Input: ptr.To("d4")}, "tenant": {Tenant: "bob"}, "schedule": {Schedule: "0 7 * * *"},
		} {
			_, _, err = api.Create(ctx, ref("a/b"), other)
			Expect(err).To(And(problem(http.StatusConflict, "ExistsOtherwise"), gstruct.PointTo(HaveField("Cause", cause))))
		}
		Expect(h.line.creates.Load()).To(BeEquivalentTo(1))
		_, _, err = api.Create(ctx, ref("bad"), contract.Spec{Alarms: []string{"tomorrow"}})
		Expect(err).To(And(problem(http.StatusBadRequest, "BadBody"), MatchError(ContainSubstring("spec.alarms[0]"))))
	})

	It("makes a session of the caller's own, on its tenant's account", func(ctx SpecContext) {
		create(ctx, newTemplate(namespace, "chess"))
		h := runs(ctx, namespace, "gw")
		alice := func(*http.Request, *resolve.Target, access.Verb) (access.Caller, error) {
			return access.Caller{Subject: "alice", Tenant: "acme"}, nil
		}
		s := httptest.NewServer(&sessionapi.API{Sessions: h.Sessions(), Authorize: alice})
		DeferCleanup(s.Close)
		made, _, err := contract.New(s.URL, contract.Options{}).Create(ctx, ref("a"), contract.Spec{})
		Expect(err).NotTo(HaveOccurred())
		Expect(made).To(And(HaveField("Owner", "alice"), HaveField("Tenant", "acme")))
	})

	It("does nothing to a session that was made since it was decided who may", func(ctx SpecContext) {
		create(ctx, newTemplate(namespace, "chess"), newSession(namespace, "a"))
		h := runs(ctx, namespace, "gw")
		before := func(_ *http.Request, t *resolve.Target, _ access.Verb) (access.Caller, error) {
			t.Decided = "that of the one before"
			return access.Caller{Subject: "alice"}, nil
		}
		s := httptest.NewServer(&sessionapi.API{Sessions: h.Sessions(), Authorize: before})
		DeferCleanup(s.Close)
		api := contract.New(s.URL, contract.Options{})
		_, err := api.Get(ctx, ref("a"))
		Expect(err).To(problem(http.StatusConflict, "Replaced"))
		_, err = api.Wake(ctx, ref("a"), false)
		Expect(err).To(problem(http.StatusConflict, "Replaced"))
		_, err = api.Sleep(ctx, ref("a"))
		Expect(err).To(problem(http.StatusConflict, "Replaced"))
		_, err = api.Delete(ctx, ref("a"), "")
		Expect(err).To(problem(http.StatusConflict, "Replaced"))
		open, _ := h.serves()
		Expect(open.Get(ctx, ref("a"))).To(And(HaveField("Deleting", false), HaveField("Activity", BeNil())))
	})

	It("looks a session up, and wakes nothing", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, newTemplate(namespace, "chess"), s)
		operator(ctx, s, func(s *v1alpha1.SessionStatus) {
			s.Phase, s.Epoch, s.WaitingFor = v1alpha1.PhaseFailed, 3, "a miracle"
			s.LastExit = &v1alpha1.Exit{Epoch: 3, Reason: "Error", Code: ptr.To[int32](3), Message: "no legs", Time: metav1.Now()}
			s.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonStartFailed, Message: "It failed.", LastTransitionTime: metav1.Now()}}
		})
		h := runs(ctx, namespace, "gw")
		api, _ := h.serves()
		seen, err := api.Get(ctx, ref("a"))
		Expect(err).NotTo(HaveOccurred())
		Expect(seen).To(And(HaveField("Phase", "Failed"), HaveField("Epoch", BeEquivalentTo(3)), HaveField("Reason", "StartFailed"), HaveField("Ready", false),
			HaveField("WaitingFor", "a miracle"), HaveField("LastExit.Message", "no legs"), HaveField("LastExit.Code", HaveValue(BeEquivalentTo(3)))))
		e, err := api.Explain(ctx, ref("a"))
		Expect(err).NotTo(HaveOccurred())
		Expect(e.Words).To(ContainElements("It is Failed: StartFailed.", "It waits for: a miracle", ContainSubstring("exit code 3, no legs")))
		_, err = api.Get(ctx, ref("b"))
		Expect(err).To(problem(http.StatusNotFound, "NotFound"))
		Expect(h.line.touches.Load() + h.line.creates.Load()).To(BeZero())
	})

	It("stores a batch of 100 before it says so, and makes none twice when it is sent again (000-41, 000-42, 000-45)", func(ctx SpecContext) {
		create(ctx, newTemplate(namespace, "chess"))
		h := runs(ctx, namespace, "gw")
		api, _ := h.serves()
		var lines []contract.Line
		for i := range 100 {
			lines = append(lines, contract.Line{Key: fmt.Sprintf("job-%d", i), Spec: contract.Spec{Input: ptr.To(fmt.Sprint(i))}})
		}
		_, err := api.CreateAll(ctx, namespace, "chess", lines[:40])
		Expect(err).NotTo(HaveOccurred())
		results, err := api.CreateAll(ctx, namespace, "chess", lines)
		Expect(err).NotTo(HaveOccurred())
		Expect(results).To(HaveLen(100))
		var all v1alpha1.SessionList
		Expect(server.Client.List(ctx, &all)).To(Succeed())
		stored := map[string]string{}
		for _, s := range all.Items {
			if s.Namespace == namespace {
				stored[s.Spec.Key] = *s.Spec.Input
			}
		}
		Expect(stored).To(HaveLen(100))
		for i, r := range results {
			Expect(r.Key).To(Equal(lines[i].Key))
			Expect(stored[r.Key]).To(Equal(fmt.Sprint(i)))
			Expect(r.Status == http.StatusOK).To(Equal(i < 40), "line %d: %+v", i+1, r)
		}
		Expect(h.line.creates.Load()).To(BeEquivalentTo(100))
		lines[7].Input = ptr.To("another")
		results, err = api.CreateAll(ctx, namespace, "chess", lines)
		Expect(err).NotTo(HaveOccurred())
		Expect(results[7]).To(And(HaveField("Status", http.StatusConflict), HaveField("Reason", "ExistsOtherwise")))
		Expect(h.line.creates.Load()).To(BeEquivalentTo(100))
	})

	It("makes no more than the limits of the template allow, and says which one it was (000-60)", func(ctx SpecContext) {
		template := newTemplate(namespace, "chess")
		template.Spec.Limits.CreatesPerMinute = ptr.To[int32](2)
		create(ctx, template)
		api, _ := runs(ctx, namespace, "gw").serves()
		results, err := api.CreateAll(ctx, namespace, "chess", []contract.Line{{Key: "a"}, {Key: "b"}})
		Expect(err).NotTo(HaveOccurred())
		Expect(results).To(HaveEach(HaveField("Status", http.StatusCreated)))
		results, err = api.CreateAll(ctx, namespace, "chess", []contract.Line{{Key: "a"}, {Key: "c"}, {Key: "b"}})
		Expect(err).NotTo(HaveOccurred())
		Expect(results[1]).To(And(HaveField("Status", http.StatusTooManyRequests), HaveField("Limit", "limits.createsPerMinute"), HaveField("RetryAfter", BeNumerically(">", 0))))
		Expect([]int{results[0].Status, results[2].Status}).To(HaveEach(http.StatusOK), "what is there counts towards no limit")
	})

	// 000-03, 000-36
	It("wakes a session by a touch, whoever waits for it", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, newTemplate(namespace, "chess"), s)
		h := runs(ctx, namespace, "gw")
		api, _ := h.serves()
		seen, err := api.Wake(ctx, ref("a"), false)
		Expect(err).NotTo(HaveOccurred())
		Expect(seen.Activity.Source).To(Equal("request"))
		done := make(chan contract.Session, 1)
		go func() {
			defer GinkgoRecover()
			s, err := api.Wake(ctx, ref("a"), true)
			Expect(err).NotTo(HaveOccurred())
			done <- s
		}()
		Consistently(done).ShouldNot(Receive())
		operator(ctx, s, published(1))
		Eventually(ctx, done).Should(Receive(HaveField("Phase", "Awake")))
		Expect(h.line.touches.Load()).To(BeEquivalentTo(2), "nobody remembered the first: the session was out of sight, and nobody waited")
		_, err = api.Wake(ctx, ref("b"), false)
		Expect(err).To(problem(http.StatusNotFound, "NotFound"))
		Expect(h.line.creates.Load()).To(BeZero())
	})

	It("has a session that is up fall asleep by a touch, and touches none that sleeps", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, newTemplate(namespace, "chess"), s)
		h := runs(ctx, namespace, "gw")
		api, _ := h.serves()
		_, err := api.Sleep(ctx, ref("a"))
		Expect(err).NotTo(HaveOccurred())
		Expect(h.line.touches.Load()).To(BeZero(), "a touch would wake it")
		operator(ctx, s, published(1))
		seen, err := api.Sleep(ctx, ref("a"))
		Expect(err).NotTo(HaveOccurred())
		Expect(seen.Activity.IdleAfter).To(Equal("0s"))

		Eventually(h.Directory.IDs).Should(ContainElement(idOf(s)))
		visit := h.enter(s)
		_, err = api.Sleep(ctx, ref("a"))
		Expect(err).NotTo(HaveOccurred())
		Expect(idleOf(activityOf(ctx, s))).NotTo(Equal(&metav1.Duration{}), "somebody is there")
		visit.Leave()
		Eventually(func() *metav1.Duration { return idleOf(activityOf(ctx, s)) }).Should(Equal(&metav1.Duration{}))
	})

	It("deletes the session that was meant, and no other", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, s)
		h := runs(ctx, namespace, "gw")
		api, _ := h.serves()
		_, err := api.Delete(ctx, ref("a"), "another")
		Expect(err).To(problem(http.StatusConflict, "Replaced"))
		end, err := api.Delete(ctx, ref("a"), string(s.UID))
		Expect(err).NotTo(HaveOccurred())
		Expect(end.Deleting).To(BeTrue())
		_, err = api.Delete(ctx, ref("a"), "")
		Expect(err).To(problem(http.StatusNotFound, "NotFound"))
	})

	It("tells who watches how things stand, each change, and the end", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, s, newSession(namespace, "b"))
		api, _ := runs(ctx, namespace, "gw").serves()
		heard, ended := make(chan contract.Session, 100), make(chan error, 1)
		go func() {
			ended <- api.Watch(ctx, ref("a"), func(s contract.Session) error {
				heard <- s
				return nil
			})
		}()
		phase := func(p v1alpha1.SessionPhase) types.GomegaMatcher {
			return Receive(And(HaveField("Key", "a"), HaveField("Phase", string(p))))
		}
		Eventually(ctx, heard).Should(phase(""))
		operator(ctx, s, published(1))
		Eventually(ctx, heard).Should(phase(v1alpha1.PhaseAwake))
		operator(ctx, s, drained)
		Eventually(ctx, heard).Should(phase(v1alpha1.PhaseDraining))
		Expect(server.Client.Delete(ctx, s)).To(Succeed())
		Eventually(ctx, ended).Should(Receive(MatchError(contract.ErrGone)))
		Expect(heard).NotTo(Receive())
		Expect(api.Watch(context.WithoutCancel(ctx), ref("a"), func(contract.Session) error { return nil })).To(problem(http.StatusNotFound, "NotFound"))
	})
})
