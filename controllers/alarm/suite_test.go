package alarm

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	testingclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

var (
	server    *apiserver.Server
	api       client.WithWatch
	namespace string
	clk       *testingclock.FakePassiveClock
	recorder  *events.FakeRecorder
	r         *Reconciler
)

func TestAlarm(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "The alarm controller")
}

var _ = BeforeSuite(func() {
	var err error
	server, err = apiserver.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return server.Stop() })
	api = server.Client
})

// Each story has a namespace, an operator and a clock of its own. It begins at a full minute that is not over when the first sessions are made.
var _ = BeforeEach(func(ctx SpecContext) {
	var err error
	namespace, err = server.Namespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	clk = testingclock.NewFakePassiveClock(time.Now().UTC().Truncate(time.Minute).Add(2 * time.Minute))
	recorder = events.NewFakeRecorder(100)
	r = &Reconciler{Client: api, Live: api, Events: recorder, Now: clk.Now}
})

func In(d time.Duration) v1alpha1.Alarm {
	return v1alpha1.Alarm(clk.Now().Add(d).Format(time.RFC3339))
}

func Passes(d time.Duration) { clk.SetTime(clk.Now().Add(d)) }

// GivenTemplate makes the template "chess".
func GivenTemplate(ctx context.Context) *v1alpha1.SessionTemplate {
	GinkgoHelper()
	t := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess"}}
	t.Spec.Port.IntVal = 8080
	t.Spec.Template.Spec.Containers = []corev1.Container{{Name: "table", Image: "localhost/table"}}
	Expect(api.Create(ctx, t)).To(Succeed())
	return t
}

// GivenSession makes a session, as a person would.
func GivenSession(ctx context.Context, options ...option) *v1alpha1.Session {
	GinkgoHelper()
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess.a"}}
	s.Spec = v1alpha1.SessionSpec{Template: "chess", Key: "a"}
	for _, o := range options {
		o(s)
	}
	Expect(api.Create(ctx, s)).To(Succeed())
	return s
}

// Change changes the spec of a session, as a person would.
func Change(ctx context.Context, s *v1alpha1.Session, options ...option) {
	GinkgoHelper()
	now := Now(ctx, s)
	next := now.DeepCopy()
	for _, o := range options {
		o(next)
	}
	Expect(api.Patch(ctx, next, client.MergeFrom(now))).To(Succeed())
}

// Becomes writes of a session what others write.
func Becomes(ctx context.Context, s *v1alpha1.Session, change func(*v1alpha1.SessionStatus)) {
	GinkgoHelper()
	now := Now(ctx, s)
	next := now.DeepCopy()
	change(&next.Status)
	Expect(api.Status().Patch(ctx, next, client.MergeFrom(now))).To(Succeed())
}

// Touched is what a gateway does on a request.
func Touched(status *v1alpha1.SessionStatus) {
	status.Activity = &v1alpha1.Activity{Time: metav1.NewMicroTime(clk.Now().Add(time.Second)), Source: v1alpha1.SourceRequest, By: "gateway"}
}

// Now is the session as it stands.
func Now(ctx context.Context, s *v1alpha1.Session) *v1alpha1.Session {
	GinkgoHelper()
	now := &v1alpha1.Session{}
	Expect(api.Get(ctx, client.ObjectKeyFromObject(s), now)).To(Succeed())
	return now
}

// Looked has an operator look at a session once, and gives the session as it stands then and when the operator comes back.
func Looked(ctx context.Context, s *v1alpha1.Session) (*v1alpha1.Session, time.Duration) {
	GinkgoHelper()
	result, err := r.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s)})
	Expect(err).NotTo(HaveOccurred())
	return Now(ctx, s), result.RequeueAfter
}

// LooksInVain has an operator look at a session once, and write nothing.
func LooksInVain(ctx context.Context, s *v1alpha1.Session) time.Duration {
	GinkgoHelper()
	before := Now(ctx, s)
	now, again := Looked(ctx, s)
	Expect(now.ResourceVersion).To(Equal(before.ResourceVersion), "something was written")
	return again
}
