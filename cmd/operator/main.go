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
	_ "time/tzdata" // the image has no time zones of its own, and sessions have schedules

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/controllers/alarm"
	"github.com/dormouse-dev/dormouse/controllers/session"
	"github.com/dormouse-dev/dormouse/controllers/template"
	"github.com/dormouse-dev/dormouse/internal/census"
	"github.com/dormouse-dev/dormouse/internal/informer"
	"github.com/dormouse-dev/dormouse/internal/savehook"
	"github.com/dormouse-dev/dormouse/internal/sight"
	"github.com/dormouse-dev/dormouse/internal/slots"
)

// flags of the operator.
type flags struct {
	admin       string
	name        string
	namespace   string
	leaderElect bool
	gatewayURL  string
}

func main() {
	var f flags
	flag.StringVar(&f.admin, "admin", ":8081", "address of /metrics, /healthz and /readyz")
	flag.StringVar(&f.name, "name", os.Getenv("POD_NAME"), "name of this replica, which no other has; default: $POD_NAME, else the host's name")
	flag.StringVar(&f.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "namespace of this operator and of the gateways, where their Leases are")
	flag.BoolVar(&f.leaderElect, "leader-elect", false, "take turns with other replicas: one leads, the others stand by")
	flag.StringVar(&f.gatewayURL, "gateway-url", "", "URL at which pods reach the gateways, as http://gateway.example: what those of templates with selfCalls call")
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
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS = -1                           // the API server's own fairness decides; a wake must not wait for a guess of ours
	config.WarningHandler = rest.NoWarnings{} // each pod's name has a dot, and each create of one would warn of it
	ctx, fail := context.WithCancelCause(ctx)
	go func() { fail(fmt.Errorf("admin: %w", admin(f.admin).ListenAndServe())) }()
	work := func(ctx context.Context) error { return operate(ctx, config, f) }
	if f.leaderElect {
		err = lead(ctx, config, f.namespace, f.name, work)
	} else {
		err = work(ctx)
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}

// admin serves beside the work: also by a replica that stands by.
func admin(address string) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{}))
	mux.Handle("/healthz", http.StripPrefix("/healthz", &healthz.Handler{}))
	mux.Handle("/readyz", http.StripPrefix("/readyz", &healthz.Handler{}))
	return &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
}

// operate turns the ring until the context ends.
func operate(ctx context.Context, config *rest.Config, f flags) error {
	m, err := newManager(config, f.namespace)
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	if err := index(ctx, m.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	templates := &template.Reconciler{Client: m.GetClient(), Clock: clock.RealClock{}, Events: m.GetEventRecorder("dormouse-operator"), API: f.gatewayURL}
	if err := templates.SetupWithManager(m); err != nil {
		return fmt.Errorf("set up templates: %w", err)
	}
	if err := newSessions(m, f).SetupWithManager(m); err != nil {
		return fmt.Errorf("set up sessions: %w", err)
	}
	alarms := &alarm.Reconciler{Client: m.GetClient(), Live: m.GetAPIReader(), Events: m.GetEventRecorder("dormouse-operator"), Now: time.Now}
	if err := alarms.SetupWithManager(m); err != nil {
		return fmt.Errorf("set up alarms: %w", err)
	}
	return m.Start(ctx)
}

// index has the cache find sessions by template and pods by node.
func index(ctx context.Context, by client.FieldIndexer) error {
	return errors.Join(
		by.IndexField(ctx, &v1alpha1.Session{}, v1alpha1.FieldTemplate, func(o client.Object) []string {
			return []string{o.(*v1alpha1.Session).Spec.Template}
		}),
		by.IndexField(ctx, &v1alpha1.Session{}, session.FieldStarted, session.StartedNames),
		by.IndexField(ctx, &corev1.Pod{}, session.FieldNode, func(o client.Object) []string {
			return []string{o.(*corev1.Pod).Spec.NodeName}
		}))
}

// newSessions wires what goes on beside the turns of a session to those turns.
func newSessions(m manager.Manager, f flags) *session.Reconciler {
	r := &session.Reconciler{
		Client: m.GetClient(),
		Live:   m.GetAPIReader(),
		Events: m.GetEventRecorder("dormouse-operator"),
		Now:    time.Now,
		API:    f.gatewayURL,
	}
	r.Sight = &sight.Sight{Reader: m.GetAPIReader(), Namespace: f.namespace, Now: time.Now, Seen: r.Again}
	r.Slots = &slots.Slots{Freed: func(id slots.ID) { r.Again(types.NamespacedName(id)) }}
	r.Census = &census.Census{Moved: func(id census.ID) { r.Again(types.NamespacedName(id)) }}
	r.Rollouts = &slots.Slots{Freed: func(id slots.ID) { r.Again(types.NamespacedName(id)) }}
	r.Hooks = &savehook.Hooks{HTTP: savehook.HTTP(), H2C: savehook.H2C(), Now: time.Now, Ended: r.Again}
	metrics.Registry.MustRegister(session.NewQueueLength(r.Slots.Waiting))
	return r
}

func newManager(config *rest.Config, namespace string) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return ctrl.NewManager(config, manager.Options{
		Scheme:  scheme,
		Cache:   cacheOf(namespace),
		Metrics: metricsserver.Options{BindAddress: "0"}, // admin serves them
	})
}

// cacheOf keeps only what a turn needs: the pods of sessions, the gateways' Leases, and of nodes their names and taints.
func cacheOf(namespace string) cache.Options {
	ours, err := labels.NewRequirement(v1alpha1.LabelTemplate, selection.Exists, nil)
	utilruntime.Must(err)
	gateways := labels.SelectorFromSet(labels.Set{v1alpha1.LabelComponent: v1alpha1.ComponentGateway})
	return cache.Options{
		NewInformer:      informer.New, // client-go's own stays away for up to a minute after some faults
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.Session{}:     {Transform: managersOnly},
			&corev1.Pod{}:           {Label: labels.NewSelector().Add(*ours)},
			&corev1.Node{}:          {Transform: taintsOnly},
			&coordinationv1.Lease{}: {Namespaces: map[string]cache.Config{namespace: {LabelSelector: gateways}}},
		},
	}
}

// managersOnly keeps who manages a Session and how, which its protection asks for, and drops which fields.
func managersOnly(o any) (any, error) {
	if object, ok := o.(client.Object); ok {
		managers := object.GetManagedFields()
		for i := range managers {
			managers[i] = metav1.ManagedFieldsEntry{Manager: managers[i].Manager, Operation: managers[i].Operation}
		}
		object.SetManagedFields(managers)
	}
	return o, nil
}

func taintsOnly(o any) (any, error) {
	if node, ok := o.(*corev1.Node); ok {
		node.ManagedFields, node.Annotations, node.Labels = nil, nil, nil
		node.Status = corev1.NodeStatus{}
	}
	return o, nil
}
