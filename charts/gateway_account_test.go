package charts

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const (
	system = "dormouse-system"
	ownPod = "dormouse-gateway-1"
)

// accounts starts a real API server, installs what the chart renders but its CRDs and workloads, and returns clients of
// the administrator and of a gateway.
func accounts(t *testing.T) (admin, gateway client.Client) {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Skip("SKIPPED: the gateway's account on a real API server. Set KUBEBUILDER_ASSETS=$(go run ./hack/cluster assets)")
	}
	env := &envtest.Environment{CRDDirectoryPaths: []string{"../config/crd"}, ErrorIfCRDPathMissing: true}
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	admin = newClient(t, config)
	create(t, admin, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: system}})
	for _, file := range []string{"rbac-gateway", "policies-gateway"} {
		for text := range strings.SplitSeq(render(t, "--show-only", "templates/"+file+".yaml"), "\n---\n") {
			create(t, admin, object(t, text))
		}
	}
	as := rest.CopyConfig(config)
	as.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + system + ":dormouse-gateway",
		Groups:   []string{"system:serviceaccounts", "system:authenticated"},
		Extra:    map[string][]string{"authentication.kubernetes.io/pod-name": {ownPod}},
	}
	return admin, newClient(t, as)
}

func newClient(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func object(t *testing.T, text string) client.Object {
	t.Helper()
	for _, doc := range documents(t, text) {
		return &unstructured.Unstructured{Object: doc}
	}
	return nil
}

func create(t *testing.T, c client.Client, o client.Object) {
	t.Helper()
	if err := c.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// newSession is what a gateway creates for a key, changed.
func newSession(key string, change func(*v1alpha1.Session)) *v1alpha1.Session {
	s := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "chess." + key,
			Annotations: map[string]string{v1alpha1.AnnotationWantedSince: "2026-01-02T03:04:05.000006Z"},
		},
		Spec: v1alpha1.SessionSpec{Template: "chess", Key: key},
	}
	if change != nil {
		change(s)
	}
	return s
}

func newLease(namespace, name string) *coordinationv1.Lease {
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

// try is something that a gateway's account might do.
type try struct {
	what string
	do   func(context.Context, client.Client) error
}

// patchStatus patches the status of the session that stands there.
func patchStatus(status string) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error {
		patch := client.RawPatch(types.MergePatchType, []byte(`{"status": `+status+`}`))
		return c.Status().Patch(ctx, newSession("there", nil), patch)
	}
}

// patchSession patches that session beside its status.
func patchSession(text string) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error {
		return c.Patch(ctx, newSession("there", nil), client.RawPatch(types.MergePatchType, []byte(text)))
	}
}

func creates(o client.Object) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error { return c.Create(ctx, o) }
}

func deletes(o client.Object) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error { return c.Delete(ctx, o) }
}

func lists(l client.ObjectList) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error { return c.List(ctx, l, client.InNamespace(system)) }
}

// 002-22: a gateway, which everybody talks to, is trusted with one field and its own Lease.
func TestWhatAGatewayMayDo(t *testing.T) {
	admin, gateway := accounts(t)
	there := newSession("there", nil)
	create(t, admin, there)
	there.Status = v1alpha1.SessionStatus{Phase: v1alpha1.PhaseAwake, Epoch: 3}
	if err := admin.Status().Update(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	create(t, admin, newLease(system, "dormouse-operator"))
	awaitPolicies(t, gateway)

	for _, try := range []try{
		{"create a session", creates(newSession("new", nil))},
		{"say whose a new session is", creates(newSession("hers", func(s *v1alpha1.Session) { s.Spec.Owner, s.Spec.Tenant = "alice", "acme" }))},
		{"touch for a request", patchStatus(`{"activity": {"time": "2026-01-02T03:04:05.000006Z", "source": "request", "by": "a"}}`)},
		{"touch for a connection", patchStatus(`{"activity": {"time": "2026-01-02T03:04:05.000007Z", "source": "connection", "by": "b"}}`)},
		{"write what the workload said", patchStatus(`{"activity": {"time": "2026-01-02T03:04:05.000008Z", "source": "request", "idleAfter": "1m30s", "busy": "9m59.5s"}}`)},
		{"write what it says no more", patchStatus(`{"activity": {"time": "2026-01-02T03:04:05.000009Z", "source": "request", "idleAfter": null, "busy": null}}`)},
		{"set the alarms of a session", patchSession(`{"spec": {"alarms": ["2036-01-02T03:04:05Z"]}}`)},
		{"take the alarms of a session away", patchSession(`{"spec": {"alarms": null}}`)},
		{"create a session by the Session API", creates(newSession("used", func(s *v1alpha1.Session) {
			s.Annotations = nil
			s.Spec.Tenant, s.Spec.Input, s.Spec.Suspend = "alice", ptr.To("a"), true
			s.Spec.Schedule, s.Spec.TimeZone, s.Spec.Alarms = "0 6 * * *", "Europe/Berlin", []v1alpha1.Alarm{"2036-01-02T03:04:05Z"}
		}))},
		{"delete a session", deletes(newSession("used", nil))},
		{"ask whose token it is", creates(&authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: "a"}})},
		{"list sessions", lists(&v1alpha1.SessionList{})},
		{"list templates", lists(&v1alpha1.SessionTemplateList{})},
		{"make its own lease", creates(newLease(system, ownPod))},
		{"delete its own lease", deletes(newLease(system, ownPod))},
	} {
		if err := try.do(t.Context(), gateway); err != nil {
			t.Errorf("a gateway may %s; the API server says: %v", try.what, err)
		}
	}
	for _, status := range []string{`{"activity": {"idleAfter": "721h"}}`, `{"activity": {"idleAfter": "500ms"}}`, `{"activity": {"busy": "25h"}}`} {
		if err := patchStatus(status)(t.Context(), gateway); !apierrors.IsInvalid(err) {
			t.Errorf("a gateway may not write %s; the API server says: %v", status, err)
		}
	}
	for _, try := range forbidden() {
		if err := try.do(t.Context(), gateway); !apierrors.IsForbidden(err) {
			t.Errorf("a gateway may not %s; the API server says: %v", try.what, err)
		}
	}
	if err := patchStatus(`{"phase": "Asleep", "epoch": 4}`)(t.Context(), admin); err != nil {
		t.Errorf("the policies hold others back too: %v", err)
	}
}

// forbidden lists what each rule of the policies and each gap of the roles refuses.
func forbidden() []try {
	with := func(change func(*v1alpha1.Session)) func(context.Context, client.Client) error {
		return creates(newSession("bad", change))
	}
	return []try{
		{"touch as a user", patchStatus(`{"activity": {"time": "2026-01-02T03:04:05.000008Z", "source": "user"}}`)},
		{"touch for an alarm", patchStatus(`{"activity": {"time": "2026-01-02T03:04:05.000008Z", "source": "alarm"}}`)},
		{"take an alarm for done", patchStatus(`{"lastAlarm": "2026-01-02T03:04:05Z"}`)},
		{"say what a session waits for", patchStatus(`{"waitingFor": "nothing"}`)},
		{"say why a session is up", patchStatus(`{"notIdleBecause": "a gateway wants it so"}`)},
		{"touch without a source", patchStatus(`{"activity": {"source": null}}`)},
		{"take demand away", patchStatus(`{"activity": null}`)},
		{"change the phase", patchStatus(`{"phase": "Asleep"}`)},
		{"remove the phase", patchStatus(`{"phase": null}`)},
		{"raise the epoch", patchStatus(`{"epoch": 4}`)},
		{"publish an endpoint", patchStatus(`{"endpoint": {"uid": "u", "address": "10.0.0.1", "port": 1}}`)},
		{"start a drain beside a touch", patchStatus(`{"drain": {"forced": true}, "activity": {"time": "2026-01-02T03:04:06.000000Z"}}`)},
		{"set what missed alarms mean", with(func(s *v1alpha1.Session) { s.Spec.Missed = v1alpha1.MissedSkip })},
		{"suspend a session", patchSession(`{"spec": {"suspend": true}}`)},
		{"change an input", patchSession(`{"spec": {"input": "b"}}`)},
		{"set a schedule beside alarms", patchSession(`{"spec": {"schedule": "0 6 * * *", "alarms": []}}`)},
		{"label a session", patchSession(`{"metadata": {"labels": {"a": "b"}}}`)},
		{"annotate a session", patchSession(`{"metadata": {"annotations": {"sessions.dormouse.dev/wanted-since": null}}}`)},
		{"protect a session", patchSession(`{"metadata": {"finalizers": ["sessions.dormouse.dev/ended"]}}`)},
		{"give a session to an owner", patchSession(`{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "b"}]}}`)},
		{"delete all sessions at once", func(ctx context.Context, c client.Client) error {
			return c.DeleteAllOf(ctx, &v1alpha1.Session{}, client.InNamespace("default"))
		}},
		{"change a template", func(ctx context.Context, c client.Client) error {
			t := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "chess"}}
			return c.Delete(ctx, t)
		}},
		{"give a session a label", with(func(s *v1alpha1.Session) { s.Labels = map[string]string{"a": "b"} })},
		{"give a session a finalizer", with(func(s *v1alpha1.Session) { s.Finalizers = []string{v1alpha1.Finalizer} })},
		{"give a session an owner", with(func(s *v1alpha1.Session) {
			s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "a", UID: "b"}}
		})},
		{"give a session another annotation", with(func(s *v1alpha1.Session) { s.Annotations["a"] = "b" })},
		{"give a session another owner", patchSession(`{"spec": {"owner": "mallory"}}`)},
		{"record a volume", patchStatus(`{"volumes": [{"name": "data", "uid": "u"}], "activity": {"time": "2026-01-02T03:04:06.000000Z"}}`)},
		{"make a volume claim", creates(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "data.chess.there"}})},
		{"list pods", lists(&corev1.PodList{})},
		{"list secrets", lists(&corev1.SecretList{})},
		{"list leases", lists(&coordinationv1.LeaseList{})},
		{"make the lease of another gateway", creates(newLease(system, "dormouse-gateway-2"))},
		{"delete the operator's lease", deletes(newLease(system, "dormouse-operator"))},
		{"make a lease in another namespace", creates(newLease("default", ownPod))},
	}
}

// awaitPolicies returns when the API server applies each policy, which takes it a moment. Nothing is written.
func awaitPolicies(t *testing.T, gateway client.Client) {
	t.Helper()
	status := client.RawPatch(types.MergePatchType, []byte(`{"status": {"phase": "Draining"}}`))
	spec := client.RawPatch(types.MergePatchType, []byte(`{"spec": {"suspend": true}}`))
	for range 200 {
		labelled := newSession("bad", func(s *v1alpha1.Session) { s.Labels = map[string]string{"a": "b"} })
		if apierrors.IsForbidden(gateway.Status().Patch(t.Context(), newSession("there", nil), status, client.DryRunAll)) &&
			apierrors.IsForbidden(gateway.Create(t.Context(), labelled, client.DryRunAll)) &&
			apierrors.IsForbidden(gateway.Patch(t.Context(), newSession("there", nil), spec, client.DryRunAll)) &&
			apierrors.IsForbidden(gateway.Create(t.Context(), newLease(system, "dormouse-gateway-2"), client.DryRunAll)) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the API server does not apply the policies")
}
