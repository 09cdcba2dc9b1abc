package gateway_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// When it ends, the gateway says so, still takes requests for a while, and finishes what is in flight.
func TestDrain(t *testing.T) {
	var server *gateway.Server
	w := newWorld(t, chess(), func(_ *gateway.Gateway, s *gateway.Server) {
		s.ShutdownDelay = 300 * time.Millisecond
		server = s
	})
	in, out := make(chan struct{}), make(chan struct{})
	w.publish("a", "pod-a", newPod(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(in)
			<-out
		}
		_, _ = io.WriteString(rw, "done")
	}), 1)
	if res, _ := w.get("a", gateway.HealthPath); res.StatusCode != 200 || !server.Ready() {
		t.Errorf("health: %s, ready: %v", res.Status, server.Ready())
	}
	var slow sync.WaitGroup
	slow.Go(func() {
		if res, body := w.get("a", "/slow"); res.StatusCode != 200 || body != "done" {
			t.Errorf("got %s %q", res.Status, body)
		}
	})
	<-in
	var stop sync.WaitGroup
	stop.Go(func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
	for server.Ready() {
		time.Sleep(time.Millisecond)
	}
	if res, _ := w.get("a", gateway.HealthPath); res.StatusCode != 503 {
		t.Errorf("health: %s", res.Status)
	}
	if res, _ := w.get("a", "/"); res.StatusCode != 200 {
		t.Errorf("late request: %s", res.Status)
	}
	time.Sleep(400 * time.Millisecond)
	close(out)
	slow.Wait()
	stop.Wait()
}

func TestDrainHasADeadline(t *testing.T) {
	w := newWorld(t, chess(), func(_ *gateway.Gateway, s *gateway.Server) { s.DrainTimeout = 50 * time.Millisecond })
	in, out := make(chan struct{}), make(chan struct{})
	w.publish("a", "pod-a", newPod(t, func(http.ResponseWriter, *http.Request) { close(in); <-out }), 1)
	defer close(out)
	go func() {
		res, err := http.DefaultTransport.RoundTrip(w.request("GET", "a", "/", nil))
		if err == nil {
			_ = res.Body.Close()
		}
	}()
	<-in
	if err := w.stop(); err == nil {
		t.Error("ended in time")
	}
}

func TestAdmin(t *testing.T) {
	r := prometheus.NewRegistry()
	gateway.NewMetrics(r)
	missing := []string{"the Lease", "the list of Sessions"}
	admin := gateway.Admin(r, func() []string { return missing })
	ask := func(path string) (int, string) {
		rec := httptest.NewRecorder()
		admin.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		return rec.Code, rec.Body.String()
	}
	if code, body := ask("/readyz"); code != 503 || body != "not ready, missing: the Lease, the list of Sessions\n" {
		t.Errorf("not ready is %d %s", code, body)
	}
	missing = nil
	for _, path := range []string{"/readyz", "/livez", "/debug/pprof/", "/metrics"} {
		if code, body := ask(path); code != 200 || path == "/metrics" && !strings.Contains(body, "dormouse_gateway_held_requests 0") {
			t.Errorf("%s is %d %s", path, code, body)
		}
	}
}

func TestMetricsAreSound(t *testing.T) {
	w := awake(t, echo)
	w.get("a", "/")
	w.get("unknown", "/")
	families, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	allowed := []string{"code", "reason", "outcome", "result", "phase", "limit", "header"}
	for _, f := range families {
		for _, l := range f.Metric[0].Label {
			if !slices.Contains(allowed, l.GetName()) {
				t.Errorf("%s has label %s", f.GetName(), l.GetName())
			}
		}
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	var log strings.Builder
	w := newWorld(t, chess(), func(g *gateway.Gateway, _ *gateway.Server) { g.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	w.wakeBy(func(context.Context, directory.Wish) error { panic("fault") })
	res, body := w.get("a", "/secret?token=x")
	wantProblem(t, res, body, 500, answer.ReasonInternal)
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if l := log.String(); !strings.Contains(l, "fault=fault") || !strings.Contains(l, "status=500") || strings.Contains(l, "token") {
		t.Errorf("log: %s", l)
	}
	if n := w.metric("dormouse_gateway_panics_total"); n != 1 {
		t.Errorf("%v panics", n)
	}
}
