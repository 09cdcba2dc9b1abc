package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const (
	manySleepers = 10_000
	shards       = 16 // they are made and deleted so many at once
)

var _ = It("holds nothing of 10,000 sleeping sessions in the memory of a gateway (000-24, 000-52, 000-59)", Serial, Label("long"), func(ctx SpecContext) {
	w := Given(ctx, "many", Keys("[a-z0-9-]+"))
	before := w.heaps(ctx)
	DeferCleanup(w.removeMany, NodeTimeout(10*time.Minute))
	began := time.Now()
	w.makeMany(ctx)
	took := time.Since(began)

	after := w.heaps(ctx)

	for i, g := range w.gateways {
		say("heap of %s: %.2f MiB without, %.2f MiB with %d sleeping sessions (made in %s)",
			g.pod.Name, mib(before[i]), mib(after[i]), manySleepers, took.Round(time.Second))
		Expect(mib(after[i]-before[i])).To(BeNumerically("<", 1), "MiB")
	}
	Expect(w.Get(ctx, "k-3-7")).To(Served("k-3-7", 1), "each of them can be woken")
}, SpecTimeout(10*time.Minute))

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// each calls f for every shard, all at once.
func each(f func(shard int)) {
	var all sync.WaitGroup
	for i := range shards {
		all.Go(func() {
			defer GinkgoRecover()
			f(i)
		})
	}
	all.Wait()
}

// makeMany makes sessions that have slept for ever, as far as anybody knows.
func (w *world) makeMany(ctx context.Context) {
	GinkgoHelper()
	asleep := client.RawPatch("application/merge-patch+json", []byte(`{"status":{"phase":"Asleep"}}`))
	each(func(shard int) {
		for i := range manySleepers / shards {
			s := w.sleeper(shard, i)
			Expect(cl.api.Create(ctx, s)).To(Succeed())
			Expect(cl.api.Status().Patch(ctx, s, asleep)).To(Succeed())
		}
	})
}

// removeMany deletes them one by one: all of a shard by one request take longer than a request may, where the machine is busy.
func (w *world) removeMany(ctx context.Context) {
	GinkgoHelper()
	each(func(shard int) {
		for i := range manySleepers / shards {
			Expect(client.IgnoreNotFound(cl.api.Delete(ctx, w.sleeper(shard, i)))).To(Succeed())
		}
	})
}

// sleeper is one of them.
func (w *world) sleeper(shard, i int) *v1alpha1.Session {
	key := fmt.Sprintf("k-%d-%d", shard, i)
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: template + "." + key}}
	s.Spec = v1alpha1.SessionSpec{Template: template, Key: key}
	return s
}

// heaps are the bytes that live on each gateway's heap.
func (w *world) heaps(ctx context.Context) []int64 {
	GinkgoHelper()
	var all []int64
	for _, g := range w.gateways {
		least := heap(ctx, g)
		for range 3 { // what lies in a sync.Pool outlives one collection
			least = min(least, heap(ctx, g))
		}
		all = append(all, least)
	}
	return all
}

var heapAlloc = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)

// heap asks the gateway's admin port for its heap after a collection.
func heap(ctx context.Context, g *gateway) int64 {
	GinkgoHelper()
	url := "http://" + net.JoinHostPort(g.pod.Status.PodIP, "8081") + "/debug/pprof/heap?gc=1&debug=1"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	Expect(err).NotTo(HaveOccurred())
	response, err := g.client.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	match := heapAlloc.FindSubmatch(body)
	Expect(match).To(HaveLen(2), "the profile says no HeapAlloc")
	bytes, err := strconv.ParseInt(string(match[1]), 10, 64)
	Expect(err).NotTo(HaveOccurred())
	return bytes
}
