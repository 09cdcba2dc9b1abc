package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
)

// The environment alone says whether there are spans, and what would not work is refused.
func TestTracesAreSwitchedByTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  map[string]string
		on   bool
		err  string
	}{
		{name: "nothing"},
		{name: "endpoint", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, on: true},
		{name: "of traces", env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, on: true},
		{name: "disabled", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}},
		{name: "no exporter", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}},
		{
			name: "grpc", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
			err: "http/protobuf",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			spans, err := newTraces(t.Context(), slog.New(slog.DiscardHandler), "gw")
			if err != nil || tt.err != "" {
				if err == nil || tt.err == "" || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want %q", err, tt.err)
				}
				return
			}
			spans.end()
			if on := spans.tracer != nil; on != tt.on {
				t.Errorf("on: %v", on)
			}
		})
	}
}

// Spans reach the collector before the process ends, with the names that the environment gives them.
func TestSpansAreSent(t *testing.T) {
	got := make(chan []byte, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- append([]byte(r.URL.Path+" "+r.Header.Get("X-Team")+" "), body...)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=games")
	t.Setenv("OTEL_SERVICE_NAME", "front-door")
	spans, err := newTraces(t.Context(), slog.New(slog.DiscardHandler), "gw-0")
	if err != nil {
		t.Fatal(err)
	}
	_, span := spans.tracer.Start(t.Context(), "wake")
	if _, real := span.(trace.ReadOnlySpan); !real || !span.SpanContext().IsSampled() {
		t.Error("what begins here is not recorded")
	}
	span.End()
	spans.end()
	sent := <-got
	for _, want := range []string{"/v1/traces games ", "front-door", "gw-0", "wake"} {
		if !bytes.Contains(sent, []byte(want)) {
			t.Errorf("%q is not in what was sent", want)
		}
	}
	if bytes.Contains(sent, []byte("dormouse-gateway")) {
		t.Error("the name of the environment does not win")
	}
}
