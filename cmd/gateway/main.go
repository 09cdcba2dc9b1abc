// Command gateway takes requests for sessions, wakes the sessions that sleep, and forwards.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/cluster"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/admission"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// releaseTimeout is how long the API server has to take our word that we are gone.
const releaseTimeout = 5 * time.Second

// flags of the gateway.
type flags struct {
	admin         string
	maxStaleness  time.Duration
	shutdownDelay time.Duration
	drainTimeout  time.Duration
	minRate       int
	pageConfig    string
	sessionAPI    apiMode
	level         slog.LevelVar
	names         gateway.Names
	pod           cluster.Identity
	entrances
	gate
}

func main() {
	f := parse()
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: &f.level}))
	slog.SetDefault(log)
	quiet := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	klog.SetLogger(quiet)
	ctrllog.SetLogger(quiet)
	if err := run(f, log); err != nil {
		log.Error("gateway ends", "error", err)
		os.Exit(1)
	}
}

// parse reads flags and environment. The flag --kubeconfig is controller-runtime's.
func parse() *flags {
	f := &flags{sessionAPI: apiOn, pod: cluster.Identity{
		Instance: rand.Text(),
		PodUID:   os.Getenv("POD_UID"),
		Started:  time.Now(),
	}}
	flag.StringVar(&f.admin, "admin", ":8081", "address of /metrics, /livez, /readyz and /debug/pprof/; not for clients")
	f.entrances.register(flag.CommandLine)
	flag.DurationVar(&f.maxStaleness, "max-staleness", 30*time.Second,
		"dial no pod, and wake none, once the Lease could not be renewed for so long; open connections go on")
	flag.DurationVar(&f.shutdownDelay, "shutdown-delay", gateway.DefaultShutdownDelay,
		"go on taking new connections for so long after SIGTERM, until nobody sends them here any more; negative: not at all")
	flag.DurationVar(&f.drainTimeout, "drain-timeout", gateway.DefaultDrainTimeout, "how long requests in flight may take after that")
	flag.IntVar(&f.minRate, "min-rate", gateway.DefaultMinRate,
		"bytes a second that a client sends or takes at least while it is waited for, over 30 s; not for HTTP/2; negative: any byte will do")
	flag.StringVar(&f.pageConfig, "page-config", "", "YAML `file` with title, logo and colors of the pages that browsers are shown; default: our own looks")
	flag.Var(&f.sessionAPI, "session-api",
		"what the Session API does for callers whom nobody knows: off, there is no such API; on, what a request to a session does (look, wake,\n"+
			"and make one where key.onMissing is Create); open, all of it, also to end sessions and to say on whose account they are made:\n"+
			"only where whoever reaches this gateway is trusted")
	flag.StringVar(&f.pod.Name, "name", os.Getenv("POD_NAME"), "name of this gateway's pod, and of its Lease; default: $POD_NAME")
	flag.StringVar(&f.pod.Namespace, "namespace", os.Getenv("POD_NAMESPACE"), "namespace of this gateway's pod, and of its Lease; default: $POD_NAMESPACE")
	flag.BoolVar(&f.names.Plain, "log-keys", false,
		"log keys, hosts and paths as they are; else a session is logged as a hash, salted with $LOG_SALT, or by each process in its own way")
	flag.TextVar(&f.level, "log-level", &f.level, "least level that is logged: DEBUG, INFO, WARN or ERROR")
	f.gate.register()
	flag.Parse()
	f.names.Salt = cmp.Or(os.Getenv("LOG_SALT"), rand.Text())
	return f
}

func run(f *flags, log *slog.Logger) error {
	if f.pod.Name == "" || f.pod.Namespace == "" {
		return errors.New("--name and --namespace are needed: those of this gateway's pod")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	spans, err := newTraces(ctx, log, f.pod.Name)
	if err != nil {
		return err
	}
	defer spans.end()
	hands, road, err := wire(f, log, metrics, spans.tracer, ctx.Done())
	if err != nil {
		return err
	}
	if err := f.keys(ctx, road.Capabilities, log); err != nil {
		return err
	}
	server := &gateway.Server{Gateway: road, ShutdownDelay: f.shutdownDelay, DrainTimeout: f.drainTimeout}
	var listens atomic.Bool // which it does once the hands are synced
	missing := func() []string { return missing(hands, server, listens.Load()) }
	admin := &http.Server{Addr: f.admin, Handler: gateway.Admin(metrics, missing), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- fmt.Errorf("admin: %w", admin.ListenAndServe()) }()
	return live(ctx, hands, failed, func() error {
		l, err := f.open(ctx, server, log, metrics)
		if err != nil {
			return err
		}
		log.Info("serves", "address", l.Addr().String())
		listens.Store(true)
		return server.Run(ctx, l)
	})
}

// missing is why requests should not come here.
func missing(hands *cluster.Gateway, server *gateway.Server, listens bool) []string {
	if missing := hands.Missing(); len(missing) > 0 {
		return missing
	}
	switch {
	case !listens:
		return []string{"the listener"}
	case !server.Ready():
		return []string{"time: the gateway is about to end"}
	}
	return nil
}

// wire makes the road and the hands, each with the other in it. ending is closed when the gateway is about to end.
func wire(f *flags, log *slog.Logger, metrics prometheus.Registerer, tracer trace.Tracer, ending <-chan struct{}) (*cluster.Gateway, *gateway.Gateway, error) {
	c, err := newClient()
	if err != nil {
		return nil, nil, fmt.Errorf("set up: %w", err)
	}
	pages, err := pagesOf(f.pageConfig)
	if err != nil {
		return nil, nil, err
	}
	road := &gateway.Gateway{
		Now: time.Now, Log: log, Metrics: gateway.NewMetrics(metrics), RedirectHTTPS: f.redirectHTTPS, Names: f.names, Tracer: tracer, MinRate: f.minRate, Pages: pages,
		Gate: admission.Gate{Proxies: front.Proxies(f.httpsFrom)}, Forwarders: front.Forwarders(f.clientsFrom),
	}
	f.admit(road)
	hands := cluster.New(cluster.Options{
		Client:       c,
		Identity:     f.pod,
		MaxStaleness: f.maxStaleness,
		Publish:      road.Publish,
		Ended:        road.Forget,
		Wanted:       road.Touched,
		Names:        f.names,
		Metrics:      metrics,
		Log:          log,
		Now:          time.Now,

		CreatesPerClient: f.createsPerClient,
	})
	hands.Directory.Reached = road.Rouse
	road.Sessions, road.Address, road.Await, road.Authority = hands, hands.Directory.Address, hands.Directory.Await, hands
	if f.kubernetes {
		road.Tokens = cluster.NewTokens(c, time.Now)
	}
	road.API = f.sessionAPI.handler(hands, road, ending)
	return hands, road, nil
}

func newClient() (client.WithWatch, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), coordinationv1.AddToScheme(scheme),
		authenticationv1.AddToScheme(scheme), authorizationv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	c, err := config.GetConfig()
	if err != nil {
		return nil, err
	}
	c.QPS = -1 // the API server's own fairness decides; a wake must not wait for a guess of ours
	return client.NewWithWatch(c, client.Options{Scheme: scheme})
}

// live serves once the Lease is held and all in sight is known, and lets the hands go on until the last request has ended:
// a sleep waits for those requests as long as the Lease says so. The Lease is deleted only if none can be left.
func live(ctx context.Context, hands *cluster.Gateway, failed <-chan error, serve func() error) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	done, served := make(chan error, 1), make(chan error, 1)
	go func() { done <- hands.Run(life) }()
	go func() {
		select {
		case <-ctx.Done():
			served <- nil
		case <-hands.Synced():
			served <- serve()
		}
	}()
	select {
	case err := <-failed:
		return err
	case err := <-done:
		return err
	case err := <-served:
		if err != nil {
			return err
		}
	}
	end()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	return hands.Release(release)
}
