// Command operator makes and removes the pods of sessions, and judges their templates.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/controllers/session"
	"github.com/dormouse-dev/dormouse/controllers/template"
	"github.com/dormouse-dev/dormouse/internal/savehook"
	"github.com/dormouse-dev/dormouse/internal/sight"
	"github.com/dormouse-dev/dormouse/internal/slots"
)

// How soon another replica leads after one was killed: a wake waits for so long then. client-go's own times are twice as long. A
// leader that cannot renew in time ends itself, which costs nothing but a restart: the protocol does not rest on there being one.
const (
	leaseDuration = 8 * time.Second
	renewDeadline = 5 * time.Second
	retryPeriod   = time.Second
)

// flags of the operator.
type flags struct {
	admin       string
	namespace   string
	leaderElect bool
}

func main() {
	var f flags
	flag.StringVar(&f.admin, "admin", ":8081", "address of /metrics, /healthz and /readyz")
	flag.StringVar(&f.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "namespace of this operator and of the gateways, where their Leases are")
	flag.BoolVar(&f.leaderElect, "leader-elect", false, "take turns with other replicas: one leads, the others stand by")
	var level slog.LevelVar
	flag.TextVar(&level, "log-level", &level, "least level that is logged: DEBUG, INFO, WARN or ERROR")
	flag.Parse()
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: &level})))
	if err := run(ctrl.SetupSignalHandler(), f); err != nil {
		ctrl.Log.Error(err, "operator")
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags) error {
	if f.namespace == "" {
		return fmt.Errorf("--namespace is needed: the namespace in which this operator and the gateways run")
	}
	m, err := newManager(f)
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	if err := index(ctx, m.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	templates := &template.Reconciler{Client: m.GetClient(), Clock: clock.RealClock{}, Events: m.GetEventRecorder("dormouse-operator")}
	if err := templates.SetupWithManager(m); err != nil {
		return fmt.Errorf("set up templates: %w", err)
	}
	if err := newSessions(m, f.namespace).SetupWithManager(m); err != nil {
		return fmt.Errorf("set up sessions: %w", err)
	}
	return m.Start(ctx)
}

// index has the cache find sessions by template and pods by node.
func index(ctx context.Context, by client.FieldIndexer) error {
	return errors.Join(
		by.IndexField(ctx, &v1alpha1.Session{}, v1alpha1.FieldTemplate, func(o client.Object) []string {
			return []string{o.(*v1alpha1.Session).Spec.Template}
		}),
		by.IndexField(ctx, &corev1.Pod{}, session.FieldNode, func(o client.Object) []string {
			return []string{o.(*corev1.Pod).Spec.NodeName}
		}))
}

// newSessions wires what goes on beside the turns of a session to those turns.
func newSessions(m manager.Manager, namespace string) *session.Reconciler {
	r := &session.Reconciler{
		Client: m.GetClient(),
		Live:   m.GetAPIReader(),
		Events: m.GetEventRecorder("dormouse-operator"),
		Now:    time.Now,
	}
	r.Sight = &sight.Sight{Reader: m.GetAPIReader(), Namespace: namespace, Now: time.Now, Seen: r.Again}
	r.Slots = &slots.Slots{Freed: func(id slots.ID) { r.Again(types.NamespacedName(id)) }}
	r.Hooks = &savehook.Hooks{Client: &http.Client{}, Now: time.Now, Ended: r.Again}
	return r
}

func newManager(f flags) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	config.QPS = -1                           // the API server's own fairness decides; a wake must not wait for a guess of ours
	config.WarningHandler = rest.NoWarnings{} // each pod's name has a dot, and each create of one would warn of it
	m, err := ctrl.NewManager(config, manager.Options{
		Scheme:                        scheme,
		Cache:                         cacheOf(f.namespace),
		Metrics:                       metricsserver.Options{BindAddress: f.admin, ExtraHandlers: probes()},
		LeaderElection:                f.leaderElect,
		LeaderElectionID:              "dormouse-operator",
		LeaderElectionNamespace:       f.namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 ptr.To(leaseDuration),
		RenewDeadline:                 ptr.To(renewDeadline),
		RetryPeriod:                   ptr.To(retryPeriod),
	})
	return m, err
}

// probes are served beside the metrics: one port is enough.
func probes() map[string]http.Handler {
	alive := http.StripPrefix("/healthz", &healthz.Handler{})
	ready := http.StripPrefix("/readyz", &healthz.Handler{})
	return map[string]http.Handler{"/healthz": alive, "/readyz": ready}
}

// cacheOf keeps only what a turn needs: the pods of sessions, the gateways' Leases, and of nodes their names and taints.
func cacheOf(namespace string) cache.Options {
	ours, err := labels.NewRequirement(v1alpha1.LabelTemplate, selection.Exists, nil)
	utilruntime.Must(err)
	gateways := labels.SelectorFromSet(labels.Set{v1alpha1.LabelComponent: v1alpha1.ComponentGateway})
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Pod{}:           {Label: labels.NewSelector().Add(*ours)},
			&corev1.Node{}:          {Transform: taintsOnly},
			&coordinationv1.Lease{}: {Namespaces: map[string]cache.Config{namespace: {LabelSelector: gateways}}},
		},
	}
}

func taintsOnly(o any) (any, error) {
	if node, ok := o.(*corev1.Node); ok {
		node.ManagedFields, node.Annotations, node.Labels = nil, nil, nil
		node.Status = corev1.NodeStatus{}
	}
	return o, nil
}
