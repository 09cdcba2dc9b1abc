package gateway_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// traced is a gateway that keeps its spans, by the sampler that is the default of the environment.
func traced(spans *tracetest.SpanRecorder) func(*gateway.Gateway, *gateway.Server) {
	return func(g *gateway.Gateway, _ *gateway.Server) {
		g.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	}
}

func spansNamed(spans *tracetest.SpanRecorder, name string) []sdktrace.ReadOnlySpan {
	return slices.DeleteFunc(spans.Ended(), func(s sdktrace.ReadOnlySpan) bool { return s.Name() != name })
}

func attributeOf(s sdktrace.ReadOnlySpan, name string) attribute.Value {
	for _, a := range s.Attributes() {
		if string(a.Key) == name {
			return a.Value
		}
	}
	return attribute.Value{}
}

// However many wait for a session, its wake is one span with a span for each phase, and all of them point at it.
func TestManyHeldOneWakeSpan(t *testing.T) {
	const callers = 200
	spans := tracetest.NewSpanRecorder()
	w := newWorld(t, chess(func(t *resolve.Template) { t.MaxHeld = callers }), traced(spans))
	pod := newPod(t, echo)
	var calls atomic.Int64
	woken := make(chan struct{})
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		w.gateway.Touched(wish.ID)
		if calls.Add(1) == callers { // all wait
			w.publish("a", "pod-a", pod, 1)
			close(woken)
		}
		<-woken
		return nil
	})
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if res, body := w.get("a", "/"); res.StatusCode != 200 {
				t.Errorf("got %s %s", res.Status, body)
			}
		})
	}
	all.Wait()
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	wakes := spansNamed(spans, "wake")
	if len(wakes) != 1 {
		t.Fatalf("%d spans of wakes", len(wakes))
	}
	wake, links := wakes[0].SpanContext(), 0
	for _, s := range spansNamed(spans, "GET {key}.chess.test") {
		for _, l := range s.Links() {
			if l.SpanContext.SpanID() == wake.SpanID() && l.SpanContext.TraceID() == wake.TraceID() {
				links++
			}
		}
	}
	if links != callers || attributeOf(wakes[0], "dormouse.waiting").AsInt64() != callers {
		t.Errorf("%d links, %v waited", links, attributeOf(wakes[0], "dormouse.waiting"))
	}
	if got := attributeOf(wakes[0], "dormouse.outcome").AsString(); got != "Awake" {
		t.Errorf("the outcome is %q", got)
	}
	before := wakes[0].StartTime()
	for _, name := range []string{"touch", "pod", "dial", "first_byte"} {
		phase := spansNamed(spans, name)
		if len(phase) != 1 || phase[0].Parent().SpanID() != wake.SpanID() || phase[0].StartTime().Before(before) {
			t.Fatalf("%s: %v", name, phase)
		}
		before = phase[0].EndTime()
	}
	if n := w.phases("Done"); n != 4 {
		t.Errorf("%d phases were measured", n)
	}
}

// phases is how often a phase of a wake was observed with this value of a label.
func (w *world) phases(label string) (n uint64) {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if f.GetName() == "dormouse_gateway_wake_phase_duration_seconds" && l.GetValue() == label {
					n += m.GetHistogram().GetSampleCount()
				}
			}
		}
	}
	return n
}

// A wake that fails says in which phase, and whose fault it was; the next one is another wake.
func TestFailedWake(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	w := newWorld(t, chess(), traced(spans))
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		w.gateway.Touched(wish.ID)
		return &directory.Refusal{Kind: directory.LimitReached, Reason: "limits.awake"}
	})
	for range 2 {
		res, body := w.get("a", "/")
		wantProblem(t, res, body, 503, answer.ReasonLimitReached)
	}
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	wakes := spansNamed(spans, "wake")
	if len(wakes) != 2 || wakes[0].Status() != (sdktrace.Status{Code: codes.Error, Description: "LimitReached"}) {
		t.Errorf("%v", wakes)
	}
	if n := w.phases("LimitReached"); n != 2 {
		t.Errorf("%d ended so", n)
	}
	if n := w.phases("pod"); n != 2 {
		t.Errorf("%d ended without a pod", n)
	}
	if n := w.metric("dormouse_gateway_refusals_total", "limits.awake"); n != 2 {
		t.Errorf("%v refusals", n)
	}
	for _, s := range spans.Ended() {
		for _, a := range s.Attributes() {
			if v := a.Value.String(); strings.Contains(v, "chess.a") || strings.Contains(v, "a.chess.test") {
				t.Errorf("%s has the key in %s: %s", s.Name(), a.Key, v)
			}
		}
	}
}

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"

// The trace of a client goes on to the pod, and is recorded if the client has its own recorded.
func TestTraceGoesOn(t *testing.T) {
	for _, tt := range []struct {
		name, parent, state string
		same, recorded      bool
	}{
		{name: "none", recorded: true},
		{name: "recorded", parent: parent + "01", state: "a=b", same: true, recorded: true},
		{name: "not recorded", parent: parent + "00", state: "a=b", same: true},
		{name: "malformed", parent: "00-0-0-01", state: "a=b", recorded: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spans := tracetest.NewSpanRecorder()
			w := newWorld(t, chess(), traced(spans))
			w.publish("a", "pod-a", newPod(t, echo), 7)
			lines := []string{"GET / HTTP/1.1", "Host: a.chess.test", "Connection: close"}
			if tt.parent != "" {
				lines = append(lines, "Traceparent: "+tt.parent, "Tracestate: "+tt.state)
			}
			got := w.pod(lines...).Header
			if err := w.stop(); err != nil {
				t.Fatal(err)
			}
			id, flag := got.Get("Traceparent"), map[bool]string{true: "-01", false: "-00"}[tt.recorded]
			if strings.HasPrefix(id, parent[:36]) != tt.same || strings.HasPrefix(id, parent) || !strings.HasSuffix(id, flag) {
				t.Errorf("the pod got %q", id)
			}
			if state := map[bool]string{true: tt.state}[tt.same]; got.Get("Tracestate") != state {
				t.Errorf("the pod got the state %q", got.Get("Tracestate"))
			}
			requests := spansNamed(spans, "GET {key}.chess.test")
			if recorded := len(requests) == 1; recorded != tt.recorded {
				t.Fatalf("recorded: %v", requests)
			}
			if !tt.recorded {
				return
			}
			s := requests[0]
			if s.SpanKind() != trace.SpanKindServer || !strings.Contains(id, s.SpanContext().SpanID().String()) {
				t.Errorf("%v is not what the pod got: %s", s, id)
			}
			if attributeOf(s, "http.response.status_code").AsInt64() != 200 || attributeOf(s, "k8s.pod.uid").AsString() != "pod-a" ||
				attributeOf(s, "dormouse.epoch").AsInt64() != 7 {
				t.Errorf("%v", s.Attributes())
			}
		})
	}
}

// A gateway without spans leaves the headers of a trace alone.
func TestTraceOfOthersPasses(t *testing.T) {
	w := awake(t, echo)
	got := w.pod("GET / HTTP/1.1", "Host: a.chess.test", "Traceparent: mine", "Tracestate: too", "Connection: close").Header
	if got.Get("Traceparent") != "mine" || got.Get("Tracestate") != "too" {
		t.Errorf("the pod got %v", got)
	}
	if got := w.pod("GET / HTTP/1.1", "Host: a.chess.test", "Connection: close").Header; got["Traceparent"] != nil {
		t.Errorf("the pod got %v", got)
	}
}

// A pod that dies before the first byte of its answer ends the wake that it came from.
func TestWakeOfAPodThatDies(t *testing.T) {
	onlyHTTP1(t, "the end of a stream is not that of a pod")
	spans := tracetest.NewSpanRecorder()
	w := newWorld(t, chess(), traced(spans))
	w.wakeBy(func(context.Context, directory.Wish) error {
		w.publish("a", "pod-a", newPod(t, func(_ http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }), 1)
		return nil
	})
	res, body := w.get("a", "/")
	wantProblem(t, res, body, 502, answer.ReasonPodDied)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	if n := w.phases("PodDied"); n != 1 || len(spansNamed(spans, "wake")) != 1 {
		t.Errorf("%d wakes ended so, of %d", n, len(spansNamed(spans, "wake")))
	}
}
