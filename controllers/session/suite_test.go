package session

import (
	"context"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	testingclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/census"
	"github.com/dormouse-dev/dormouse/internal/savehook"
	"github.com/dormouse-dev/dormouse/internal/sight"
	"github.com/dormouse-dev/dormouse/internal/slots"
	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

var (
	server    *apiserver.Server
	api       client.WithWatch
	clk       *testingclock.FakePassiveClock
	r         *Reconciler
	recorder  *events.FakeRecorder
	namespace string
	saves     *saveServer
)

func TestSession(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Session")
}

var _ = BeforeSuite(func() {
	var err error
	server, err = apiserver.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return server.Stop() })
	api = server.Client
})

// Each story has a namespace, an operator and a clock of its own. The reconcile is called; nothing runs by itself but what
// an operator begins beside its turns.
var _ = BeforeEach(func(ctx SpecContext) {
	var err error
	namespace, err = server.Namespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	clk = testingclock.NewFakePassiveClock(time.Now())
	recorder = events.NewFakeRecorder(100)
	saves = &saveServer{status: http.StatusNoContent}
	r = NewOperator()
})

// NewOperator is an operator that has just become the leader: it knows nothing.
func NewOperator() *Reconciler {
	op := &Reconciler{Client: api, Live: api, Events: recorder, Now: clk.Now}
	nobody := func(types.NamespacedName) {}
	op.Sight = &sight.Sight{Reader: api, Namespace: namespace, Now: clk.Now, Seen: nobody}
	op.Slots = &slots.Slots{Freed: func(slots.ID) {}}
	op.Census = &census.Census{Moved: func(census.ID) {}}
	op.Rollouts = &slots.Slots{Freed: func(slots.ID) {}}
	op.Hooks = &savehook.Hooks{HTTP: saves, Now: clk.Now, Ended: nobody}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer GinkgoRecover()
		_ = op.Sight.Start(ctx)
	}()
	DeferCleanup(cancel)
	return op
}

// saveServer answers save hooks, at whatever address they are made.
type saveServer struct {
	status int
	asked  int
}

func (s *saveServer) RoundTrip(*http.Request) (*http.Response, error) {
	s.asked++
	return &http.Response{StatusCode: s.status, Body: http.NoBody}, nil
}

type templateOption func(*v1alpha1.SessionTemplate)

func Saved() templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Save = &v1alpha1.SaveSpec{Path: "/save"} }
}

func AtMostAwake(n int32) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Limits.Awake = &n }
}

func Without(name string) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Template.Spec.ServiceAccountName = name }
}

// GivenTemplate makes the template "chess", which idles after a minute.
func GivenTemplate(ctx context.Context, options ...templateOption) {
	GinkgoHelper()
	t := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess"}}
	t.Spec.Idle.After = &metav1.Duration{Duration: time.Minute}
	t.Spec.Port.IntVal = 8080
	t.Spec.Template.Spec.Containers = []corev1.Container{{Name: "table", Image: "localhost/table"}}
	for _, o := range options {
		o(t)
	}
	Expect(api.Create(ctx, t)).To(Succeed())
}

// GivenSession makes the session of a key, as a person would.
func GivenSession(ctx context.Context, key string) *v1alpha1.Session {
	GinkgoHelper()
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess." + key}}
	s.Spec = v1alpha1.SessionSpec{Template: "chess", Key: key}
	Expect(api.Create(ctx, s)).To(Succeed())
	return s
}

// Touch is what a gateway does on a request.
func Touch(ctx context.Context, s *v1alpha1.Session) {
	GinkgoHelper()
	now := Now(ctx, s)
	next := now.DeepCopy()
	next.Status.Activity = &v1alpha1.Activity{Time: metav1.NewMicroTime(clk.Now().Truncate(time.Microsecond)), Source: v1alpha1.SourceRequest, By: "gateway"}
	if a := now.Status.Activity; a != nil && !a.Time.Before(&next.Status.Activity.Time) {
		next.Status.Activity.Time = metav1.NewMicroTime(a.Time.Add(time.Microsecond))
	}
	Expect(api.Status().Patch(ctx, next, client.MergeFrom(now))).To(Succeed())
}

// Now is the session as it stands.
func Now(ctx context.Context, s *v1alpha1.Session) *v1alpha1.Session {
	GinkgoHelper()
	now := &v1alpha1.Session{}
	Expect(api.Get(ctx, client.ObjectKeyFromObject(s), now)).To(Succeed())
	return now
}

// Turn has the operator take one turn, and gives what it asks to be asked again after.
func Turn(ctx context.Context, s *v1alpha1.Session) time.Duration {
	GinkgoHelper()
	result, err := r.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s)})
	Expect(err).NotTo(HaveOccurred())
	return result.RequeueAfter
}

// Reconciled takes one turn and gives the session as it stands then.
func Reconciled(ctx context.Context, s *v1alpha1.Session) *v1alpha1.Session {
	GinkgoHelper()
	Turn(ctx, s)
	return Now(ctx, s)
}

// Seeing takes turns until the session is in a phase; what goes on beside the turns needs a moment.
func Seeing(ctx context.Context, s *v1alpha1.Session, phase v1alpha1.SessionPhase) {
	GinkgoHelper()
	Eventually(ctx, func(ctx context.Context) *v1alpha1.Session { return Reconciled(ctx, s) }).WithTimeout(10 * time.Second).Should(HavePhase(phase))
}

// GivenGateway makes the Lease of a gateway that has acted on all up to a session's version.
func GivenGateway(ctx context.Context, upTo *v1alpha1.Session) *coordinationv1.Lease {
	GinkgoHelper()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: "gateway-1", Labels: map[string]string{v1alpha1.LabelComponent: v1alpha1.ComponentGateway},
		Annotations: map[string]string{v1alpha1.AnnotationWatermark: upTo.ResourceVersion, v1alpha1.AnnotationPodUID: "gone"},
	}}
	now := metav1.NewMicroTime(time.Now())
	lease.Spec.AcquireTime = &now
	Expect(api.Create(ctx, lease)).To(Succeed())
	return lease
}

// Sees moves a gateway's watermark to a session's version.
func Sees(ctx context.Context, lease *coordinationv1.Lease, s *v1alpha1.Session, unsettled ...string) {
	GinkgoHelper()
	next := lease.DeepCopy()
	next.Annotations[v1alpha1.AnnotationWatermark] = s.ResourceVersion
	next.Annotations[v1alpha1.AnnotationUnsettled] = ""
	for _, u := range unsettled {
		next.Annotations[v1alpha1.AnnotationUnsettled] = u
	}
	Expect(api.Patch(ctx, next, client.MergeFrom(lease))).To(Succeed())
	*lease = *next
	r.Sight.Poke()
}
