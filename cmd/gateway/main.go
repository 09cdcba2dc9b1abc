// Command gateway takes requests for sessions, wakes the sessions that sleep, and forwards.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/cluster"
	"github.com/dormouse-dev/dormouse/internal/gateway"
)

// releaseTimeout is how long the API server has to take our word that we are gone.
const releaseTimeout = 5 * time.Second

// flags of the gateway.
type flags struct {
	listen, admin string
	maxStaleness  time.Duration
	shutdownDelay time.Duration
	drainTimeout  time.Duration
	level         slog.LevelVar
	pod           cluster.Identity
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
	f := &flags{pod: cluster.Identity{
		Instance: rand.Text(),
		PodUID:   os.Getenv("POD_UID"),
		Started:  time.Now(),
	}}
	flag.StringVar(&f.listen, "listen", ":8080", "address that takes requests for sessions")
	flag.StringVar(&f.admin, "admin", ":8081", "address of /metrics, /livez, /readyz and /debug/pprof/; not for clients")
	flag.DurationVar(&f.maxStaleness, "max-staleness", 30*time.Second,
		"dial no pod, and wake none, once the Lease could not be renewed for so long; open connections go on")
	flag.DurationVar(&f.shutdownDelay, "shutdown-delay", gateway.DefaultShutdownDelay,
		"go on taking new connections for so long after SIGTERM, until nobody sends them here any more; negative: not at all")
	flag.DurationVar(&f.drainTimeout, "drain-timeout", gateway.DefaultDrainTimeout, "how long requests in flight may take after that")
	flag.StringVar(&f.pod.Name, "name", os.Getenv("POD_NAME"), "name of this gateway's pod, and of its Lease; default: $POD_NAME")
	flag.StringVar(&f.pod.Namespace, "namespace", os.Getenv("POD_NAMESPACE"), "namespace of this gateway's pod, and of its Lease; default: $POD_NAMESPACE")
	flag.TextVar(&f.level, "log-level", &f.level, "least level that is logged: DEBUG, INFO, WARN or ERROR")
	flag.Parse()
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
	hands, road, err := wire(f, log, metrics)
	if err != nil {
		return err
	}
	server := &gateway.Server{Gateway: road, ShutdownDelay: f.shutdownDelay, DrainTimeout: f.drainTimeout}
	var listens atomic.Bool // which it does once the hands are synced
	ready := func() bool { return listens.Load() && server.Ready() }
	admin := &http.Server{Addr: f.admin, Handler: gateway.Admin(metrics, ready), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- fmt.Errorf("admin: %w", admin.ListenAndServe()) }()
	return live(ctx, hands, failed, func() error {
		l, err := net.Listen("tcp", f.listen)
		if err != nil {
			return err
		}
		log.Info("serves", "address", l.Addr().String())
		listens.Store(true)
		return server.Run(ctx, l)
	})
}

// wire makes the road and the hands, each with the other in it.
func wire(f *flags, log *slog.Logger, metrics prometheus.Registerer) (*cluster.Gateway, *gateway.Gateway, error) {
	c, err := newClient()
	if err != nil {
		return nil, nil, fmt.Errorf("set up: %w", err)
	}
	road := &gateway.Gateway{Now: time.Now, Log: log, Metrics: gateway.NewMetrics(metrics)}
	hands := cluster.New(cluster.Options{
		Client:       c,
		Identity:     f.pod,
		MaxStaleness: f.maxStaleness,
		Publish:      road.Table.Set,
		Ended:        road.Forget,
		Metrics:      metrics,
		Log:          log,
		Now:          time.Now,
	})
	hands.Directory.Reached = road.Rouse
	road.Sessions, road.Address = hands, hands.Directory.Address
	return hands, road, nil
}

func newClient() (client.WithWatch, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), coordinationv1.AddToScheme(scheme)); err != nil {
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
