package conformance

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/conformance"
	"github.com/dormouse-dev/dormouse/internal/gateway"
)

func TestGateway(t *testing.T) {
	l := start(t, conformance.Echo)
	t.Run("by host", func(t *testing.T) { judge(t, byHost(t, l.Addr().String())) })
	t.Run("by path", func(t *testing.T) { judge(t, byPath(t, l.Addr().String())) })
}

// The probes that wait for a time-out of the gateway.
func TestGatewayIsNotKeptWaiting(t *testing.T) {
	l := start(t, conformance.Echo, func(g *gateway.Gateway) { g.Stall = time.Second })
	for _, p := range conformance.Probes() {
		if !p.Slow {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			if r := p.Run(t.Context(), byHost(t, l.Addr().String())); r.Verdict != conformance.Passed {
				t.Errorf("%s: %s", r.Verdict, r.Detail)
			}
		})
	}
}

// byAnybody are the probes that a plain proxy passes.
var byAnybody = exceptions{
	"host-none-1.1":             "net/http refuses it",
	"host-twice":                "net/http refuses it",
	"content-length-twice":      "net/http refuses it",
	"transfer-encoding-unknown": "net/http refuses it",
	"space-before-colon":        "net/http refuses it",
	"body":                      "forwarding is what a proxy is for",
	"pprof":                     "it has no such thing",
	"metrics":                   "it has no such thing",
}

// A probe that every proxy passes would prove nothing: a plain httputil.ReverseProxy fails all others.
func TestPlainProxyFails(t *testing.T) {
	tgt := target(t, "http://games.test/t/a/", plain(t))
	for _, p := range conformance.Probes() {
		if p.Slow {
			continue
		}
		_, passes := byAnybody[p.Name]
		if r := p.Run(t.Context(), tgt); (r.Verdict == conformance.Passed) != passes {
			t.Errorf("%s: %s %s", p.Name, r.Verdict, r.Detail)
		}
	}
}

// plain runs a plain proxy before the workload, and gives its address.
func plain(t *testing.T) string {
	t.Helper()
	workload := httptest.NewServer(http.HandlerFunc(conformance.Echo))
	t.Cleanup(workload.Close)
	to, err := url.Parse(workload.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorLog: log.New(io.Discard, "", 0),
	})
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}
