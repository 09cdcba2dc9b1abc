package cluster

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

func TestCluster(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "The gateway's hands")
}

var server *apiserver.Server

var _ = BeforeSuite(func() {
	var err error
	server, err = apiserver.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Stop)
	SetDefaultEventuallyTimeout(10 * time.Second)
	SetDefaultEventuallyPollingInterval(10 * time.Millisecond)
	SetDefaultConsistentlyDuration(300 * time.Millisecond)
})

// line is a gateway's line to the API server, which counts and can be cut.
type line struct {
	touches, creates, leases, lists atomic.Int64

	onList func() // called before each list of Sessions

	mu      sync.Mutex
	failing map[string]error // by "touch", "lease" or "list"
	watches []context.CancelFunc
	rewatch error // what a new watch is answered, once
}

var errDown = apierrors.NewInternalError(errors.New("down"))

func (l *line) fail(what string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failing == nil {
		l.failing = map[string]error{}
	}
	l.failing[what] = err
}

func (l *line) fault(what string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failing[what]
}

// cut ends all watches; new ones are answered with the error.
func (l *line) cut(answer error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rewatch = answer
	for _, end := range l.watches {
		end()
	}
	l.watches = nil
}

func (l *line) funcs() interceptor.Funcs {
	return interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			l.touches.Add(1)
			if err := l.fault("touch"); err != nil {
				return err
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if _, ok := o.(*v1alpha1.Session); ok {
				l.creates.Add(1)
			}
			return c.Create(ctx, o, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			l.leases.Add(1)
			if err := l.fault("lease"); err != nil {
				return err
			}
			return c.Update(ctx, o, opts...)
		},
		List:  l.list,
		Watch: l.watch,
	}
}

func (l *line) list(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
	if _, ok := list.(*v1alpha1.SessionList); ok {
		l.lists.Add(1)
		if l.onList != nil {
			l.onList()
		}
	}
	if err := l.fault("list"); err != nil {
		return err
	}
	return c.List(ctx, list, opts...)
}

func (l *line) watch(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
	if _, ok := list.(*v1alpha1.SessionList); !ok {
		return c.Watch(ctx, list, opts...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.rewatch; err != nil {
		l.rewatch = nil
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	l.watches = append(l.watches, cancel)
	return c.Watch(ctx, list, opts...)
}

// hands is a gateway that runs.
type hands struct {
	*Gateway
	line      *line
	options   Options
	published chan []resolve.Template
	ended     chan error // what Run returned
	stop      context.CancelFunc
}

type option func(*Options, *line)

// runs starts a gateway in a namespace and waits until it may serve.
func runs(ctx context.Context, namespace, name string, more ...option) *hands {
	GinkgoHelper()
	h := &hands{line: &line{}, published: make(chan []resolve.Template, 1000), ended: make(chan error, 1)}
	h.options = Options{
		Identity:     Identity{Instance: name + "-1", Name: name, Namespace: namespace, Started: time.Now()},
		MaxStaleness: 30 * time.Second,
		Publish:      func(t []resolve.Template) { h.published <- t },
		Metrics:      prometheus.NewRegistry(),
		Log:          slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now:          time.Now,
	}
	for _, o := range more {
		o(&h.options, h.line)
	}
	h.options.Client = interceptor.NewClient(server.Client, h.line.funcs())
	h.Gateway = New(h.options)
	life, stop := context.WithCancel(context.Background())
	h.stop = stop
	DeferCleanup(stop)
	go func() { h.ended <- h.Run(life) }()
	Eventually(ctx, h.Synced()).Should(BeClosed())
	return h
}

func (h *hands) lease(ctx context.Context) *coordinationv1.Lease {
	GinkgoHelper()
	l := &coordinationv1.Lease{}
	Expect(server.Client.Get(ctx, client.ObjectKey{Namespace: h.options.Identity.Namespace, Name: h.options.Identity.Name}, l)).To(Succeed())
	return l
}

// vouchesFor is whether the gateway's Lease vouches for this version of a Session.
func (h *hands) vouchesFor(ctx context.Context, s *v1alpha1.Session) bool {
	GinkgoHelper()
	l := h.lease(ctx)
	mark, _ := versionOf(l.Annotations[v1alpha1.AnnotationWatermark])
	version, _ := versionOf(s.ResourceVersion)
	return mark >= version && l.Annotations[v1alpha1.AnnotationUnsettled] != string(s.UID)
}

func (h *hands) enter(s *v1alpha1.Session) *directory.Visit {
	GinkgoHelper()
	var v *directory.Visit
	Eventually(func() (ok bool) { v, ok = h.Enter(idOf(s)); return ok }).Should(BeTrue())
	return v
}

// wakes calls Wake and gives what it returns.
func (h *hands) wakes(ctx context.Context, w directory.Wish) <-chan error {
	done := make(chan error, 1)
	go func() { done <- h.Wake(ctx, w) }()
	return done
}

func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	name, err := server.Namespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	return name
}

func newTemplate(namespace, name string) *v1alpha1.SessionTemplate {
	return &v1alpha1.SessionTemplate{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.SessionTemplateSpec{
			Port:     intstr.FromInt32(80),
			Idle:     v1alpha1.IdleSpec{After: &metav1.Duration{Duration: time.Minute}},
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "main"}}}},
		},
	}
}

func newSession(namespace, key string) *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess." + key},
		Spec:       v1alpha1.SessionSpec{Template: "chess", Key: key},
	}
}

func create(ctx context.Context, objects ...client.Object) {
	GinkgoHelper()
	for _, o := range objects {
		Expect(server.Client.Create(ctx, o)).To(Succeed())
	}
}

func wishFor(s *v1alpha1.Session) directory.Wish {
	return directory.Wish{ID: idOf(s), Template: s.Spec.Template, Key: s.Spec.Key, IdleAfter: time.Minute}
}

// operator writes to a Session's status as the operator does.
func operator(ctx context.Context, s *v1alpha1.Session, change func(*v1alpha1.SessionStatus)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := server.Client.Get(ctx, client.ObjectKeyFromObject(s), s); err != nil {
			return err
		}
		change(&s.Status)
		return server.Client.Status().Update(ctx, s)
	}).Should(Succeed())
}

func published(epoch int64) func(*v1alpha1.SessionStatus) {
	return func(s *v1alpha1.SessionStatus) {
		s.Phase, s.Epoch, s.Drain = v1alpha1.PhaseAwake, epoch, nil
		s.Endpoint = &v1alpha1.Endpoint{UID: "pod", Address: "127.0.0.1", Port: 80}
	}
}

func drained(s *v1alpha1.SessionStatus) {
	s.Phase, s.Endpoint, s.Drain = v1alpha1.PhaseDraining, nil, &v1alpha1.Drain{Activity: s.Activity}
}

func asleep(s *v1alpha1.SessionStatus) {
	s.Phase, s.Endpoint = v1alpha1.PhaseAsleep, nil
}

func activityOf(ctx context.Context, s *v1alpha1.Session) *v1alpha1.Activity {
	GinkgoHelper()
	Expect(server.Client.Get(ctx, client.ObjectKeyFromObject(s), s)).To(Succeed())
	return s.Status.Activity
}

func keyOf(o client.Object) client.ObjectKey { return client.ObjectKeyFromObject(o) }
