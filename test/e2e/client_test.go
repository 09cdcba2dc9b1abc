package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// gateway is one gateway, called at its pod.
type gateway struct {
	pod    corev1.Pod
	client *http.Client
	killed atomic.Bool // by a test: what it had in flight may be lost
	down   atomic.Bool // killed, and a client has noticed
}

// openGateways are the gateways that are ready: two.
func openGateways(ctx context.Context) []*gateway {
	GinkgoHelper()
	var all []*gateway
	for _, p := range cl.podsOf(ctx, gateways) {
		dialer := &net.Dialer{Timeout: 5 * time.Second}
		g := &gateway{pod: p, client: &http.Client{
			Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 100},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		DeferCleanup(g.client.CloseIdleConnections)
		all = append(all, g)
	}
	Expect(all).To(HaveLen(2), "gateways")
	for _, g := range all {
		Eventually(ctx, g.healthy).Should(BeTrue(),
			"no gateway answers at %s. Are the addresses of pods reached from here? With kind they need a route to the node", g.pod.Status.PodIP)
	}
	return all
}

func (g *gateway) url(path string) string {
	return "http://" + net.JoinHostPort(g.pod.Status.PodIP, "8080") + path
}

func (g *gateway) healthy(ctx context.Context) bool {
	a, err := g.do(ctx, http.MethodGet, "/.well-known/dormouse/healthz")
	return err == nil && a.Status == http.StatusOK
}

// answer is what came back for one request.
type answer struct {
	Status  int
	Header  http.Header
	Body    string
	Took    time.Duration
	Gateway string

	// Of the workload.
	UID, Key     string
	Epoch, Count int64
	// Of the gateway, where it answered itself.
	Reason, Cause, Detail string
}

func (a answer) String() string {
	return fmt.Sprintf("%d by way of %s in %s, %s %s", a.Status, a.Gateway, ms(a.Took), a.Reason, strings.TrimSpace(a.Body))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// do makes one request. A status that is not 200 is an answer, and no error.
func (g *gateway) do(ctx context.Context, method, path string, change ...func(*http.Request)) (answer, error) {
	a := answer{Gateway: g.pod.Name}
	request, err := http.NewRequestWithContext(ctx, method, g.url(path), nil)
	if err != nil {
		return a, err
	}
	for _, c := range change {
		c(request)
	}
	began := time.Now()
	response, err := g.client.Do(request)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	a.Took, a.Status, a.Header, a.Body = time.Since(began), response.StatusCode, response.Header, string(body)
	if err != nil {
		return a, err
	}
	if strings.Contains(response.Header.Get("Content-Type"), "json") {
		err = json.Unmarshal(body, &a)
	}
	return a, err
}

// Served is an answer of a session's pod, of that epoch.
func Served(key string, epoch int64) gomegatypes.GomegaMatcher {
	return SatisfyAll(HaveField("Status", http.StatusOK), HaveField("Key", key), HaveField("Epoch", epoch))
}

// Refused is an answer that the gateway gave itself.
func Refused(status int, reason string) gomegatypes.GomegaMatcher {
	return SatisfyAll(HaveField("Status", status), HaveField("Reason", reason),
		HaveField("Header", HaveKeyWithValue(v1alpha1.HeaderReason, []string{reason})))
}

// Host sends a request to another host.
func Host(name string) func(*http.Request) {
	return func(r *http.Request) { r.Host = name }
}
