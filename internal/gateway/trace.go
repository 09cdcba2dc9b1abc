package gateway

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// w3c takes a trace from a request, and hands it on, in the headers traceparent and tracestate.
var w3c propagation.TraceContext

// trace has a span for each request, if anybody wants spans. It goes on with the trace of the client, and whether that is
// recorded is for the sampler to say.
func (g *Gateway) trace(next http.Handler) http.Handler {
	if g.Tracer == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := w3c.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := g.Tracer.Start(ctx, method(r), trace.WithSpanKind(trace.SpanKindServer))
		entry := entryOf(w)
		entry.trace = span.SpanContext()
		defer func() {
			if span.IsRecording() {
				g.describe(span, r, entry)
			}
			span.End()
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// describe says in a request's span what became of it.
func (g *Gateway) describe(span trace.Span, r *http.Request, e *entry) {
	status := e.status()
	span.SetAttributes(
		attribute.String("http.request.method", method(r)),
		attribute.String("network.protocol.version", r.Proto),
		attribute.Int("http.response.status_code", status),
	)
	if e.answer.reason != "" {
		span.SetAttributes(attribute.String("dormouse.reason", e.answer.reason))
	}
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, e.answer.reason)
	}
	if e.target == nil {
		return
	}
	route := e.target.Route.String()
	span.SetName(method(r) + " " + route)
	span.SetAttributes(append(g.sessionOf(e.target),
		attribute.String("http.route", route),
		attribute.Int64("dormouse.epoch", e.epoch),
		attribute.Float64("dormouse.waited_seconds", e.waited.Seconds()),
		attribute.String("k8s.pod.uid", e.pod),
	)...)
}

func (g *Gateway) sessionOf(t *resolve.Target) []attribute.KeyValue { return sessionOf(t, g.Names) }

func sessionOf(t *resolve.Target, n Names) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("dormouse.template", t.Namespace+"/"+t.Name),
		attribute.String("dormouse.session", n.Of(t.ID)),
	}
}

// method is the method of a request, of those that there are: a name of a span is not the client's to choose.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	return "_OTHER"
}

// propagate hands a request's trace on to the pod. Where nobody wants spans, the client's headers pass as they are.
func (g *Gateway) propagate(ctx context.Context, h http.Header) {
	if g.Tracer == nil {
		return
	}
	h.Del("Tracestate") // of a trace that was not understood
	w3c.Inject(ctx, propagation.HeaderCarrier(h))
}

// trace begins the span of a wake with the first request that is traced, as a part of its trace, and has the span of each
// request that waits point at it.
func (k *waking) trace(request trace.Span) {
	if k.of.tracer == nil || request == nil || !request.SpanContext().IsSampled() {
		return
	}
	if k.span == nil {
		_, k.span = k.of.tracer.Start(trace.ContextWithSpan(context.Background(), request), "wake",
			trace.WithTimestamp(k.began), trace.WithAttributes(sessionOf(k.target, k.of.names)...))
	}
	request.AddLink(trace.Link{SpanContext: k.span.SpanContext()})
}

// traceEnd ends the span of a wake, with a span in it for each phase that it had.
func (k *waking) traceEnd(ctx context.Context, outcome string) {
	if k.span == nil {
		return
	}
	ctx = trace.ContextWithSpan(ctx, k.span)
	for p, part := range k.parts {
		if !part.to.IsZero() {
			_, child := k.of.tracer.Start(ctx, phaseNames[p], trace.WithTimestamp(part.from))
			child.End(trace.WithTimestamp(part.to))
		}
	}
	k.span.SetAttributes(attribute.String("dormouse.outcome", outcome), attribute.Int("dormouse.waiting", k.joined))
	if outcome != "Awake" {
		k.span.SetStatus(codes.Error, outcome)
	}
	k.span.End(trace.WithTimestamp(k.of.now()))
}
