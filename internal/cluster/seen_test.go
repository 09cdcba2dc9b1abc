package cluster

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

var _ = Describe("Seen from outside, a gateway", func() {
	var namespace string
	var s *v1alpha1.Session
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		s = newSession(namespace, "a")
		create(ctx, s)
	})

	It("says what it misses before it may serve: the Lease, and each list", func(ctx SpecContext) {
		l := &line{}
		l.fail("list", errDown)
		g := New(Options{
			Client:   interceptor.NewClient(server.Client, l.funcs()),
			Identity: Identity{Instance: "gw-1", Name: "gw", Namespace: namespace, Started: time.Now()}, MaxStaleness: time.Minute,
			Publish: func([]resolve.Template) {}, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now,
		})
		Expect(g.Missing()).To(Equal([]string{"the Lease", "the list of SessionTemplates", "the list of Sessions"}))
		Expect(g.lease.fresh.age()).To(BeZero())
		life, stop := context.WithCancel(context.Background())
		DeferCleanup(stop)
		go func() { _ = g.Run(life) }()
		Eventually(g.Missing).Should(Equal([]string{"the list of SessionTemplates", "the list of Sessions"}))
		l.fail("list", nil)
		Eventually(g.Missing).Should(BeEmpty())
		Expect(g.lease.fresh.age()).To(BeNumerically("~", 0, time.Minute))
	})

	It("counts the touch that takes back a sleep, and no other", func(ctx SpecContext) {
		operator(ctx, s, published(1))
		registry := prometheus.NewRegistry()
		h := runs(ctx, namespace, "gw", func(o *Options, _ *line) { o.Metrics = registry })
		takenBack := func() float64 { return valueOf(registry, "dormouse_gateway_sleeps_taken_back_total") }
		v := h.enter(s)
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil())
		Eventually(func() float64 { return valueOf(registry, "dormouse_gateway_touches_total") }).Should(BeEquivalentTo(1))
		Expect(takenBack()).To(BeZero())
		operator(ctx, s, drained)
		Eventually(takenBack).Should(BeEquivalentTo(1))
		v.Leave()
	})

	It("tells that the API server has it that a session is needed", func(ctx SpecContext) {
		wanted := make(chan directory.ID, 10)
		h := runs(ctx, namespace, "gw", func(o *Options, _ *line) { o.Wanted = func(id directory.ID) { wanted <- id } })
		h.line.fail("touch", errDown)
		done := h.wakes(ctx, wishFor(s))
		Eventually(h.line.touches.Load).Should(BeNumerically(">", 0))
		Expect(wanted).To(BeEmpty())
		h.line.fail("touch", nil)
		Eventually(ctx, wanted).Should(Receive(Equal(idOf(s))))
		Expect(activityOf(ctx, s)).NotTo(BeNil())
		operator(ctx, s, published(1))
		Eventually(ctx, done).Should(Receive(BeNil()))
	})
})

// valueOf is the sum of a family.
func valueOf(from prometheus.Gatherer, name string) (sum float64) {
	GinkgoHelper()
	families, err := from.Gather()
	Expect(err).NotTo(HaveOccurred())
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// refusing is an API server that refuses every touch, with the session's name in its words.
type refusing struct{ client.Client }

func (refusing) Status() client.SubResourceWriter { return refusingStatus{} }

type refusingStatus struct{ client.SubResourceWriter }

func (refusingStatus) Patch(_ context.Context, o client.Object, _ client.Patch, _ ...client.SubResourcePatchOption) error {
	return errors.New("Patch https://server/sessions/" + o.GetName() + "/status: refused")
}

// A touch that fails is told without the key, which is in the session's name, and in the words of the API server.
func TestLogOfATouchHasNoKey(t *testing.T) {
	for _, plain := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			d := &directory.Directory{Now: time.Now, Touch: func(directory.Need) {}}
			toucher := &toucher{
				directory: d, log: slog.New(slog.NewTextHandler(&log, nil)), client: refusing{}, now: time.Now, count: func(string) {},
				names: gateway.Names{Plain: plain},
			}
			id := directory.ID{Namespace: "games", Name: "chess.secret"}
			waiter := d.Await(directory.Wish{ID: id, IdleAfter: time.Minute})
			d.Apply(id, directory.View{Version: 7, UID: "uid", State: directory.Unreachable, Unwanted: true})
			toucher.keep(directory.Need{ID: id})
			time.Sleep(2 * touchTimeout)
			synctest.Wait()
			waiter.Done()
			if l := log.String(); !strings.Contains(l, "cannot touch") || strings.Contains(l, "secret") != plain {
				t.Errorf("plain: %v, log: %s", plain, l)
			}
			d.Apply(id, directory.View{Version: 8, State: directory.Absent})
		})
	}
}
