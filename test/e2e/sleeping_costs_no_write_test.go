package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = It("writes nothing to the API server while 100 sessions sleep (000-29, 000-49, 000-52)", Label("long"), SpecPriority(1), func(ctx SpecContext) {
	const sleepers, atOnce = 100, 8
	quiet := lasts("E2E_OUTAGE", time.Minute)
	w := Given(ctx, "sleepers", Idle(time.Second))
	keys := make(chan string)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			defer GinkgoRecover()
			for key := range keys {
				Expect(w.Get(ctx, key)).To(Served(key, 1))
			}
		})
	}
	for i := range sleepers {
		keys <- fmt.Sprintf("k%d", i)
	}
	close(keys)
	all.Wait()
	Eventually(ctx, w.pods).Should(BeEmpty())
	Eventually(ctx, func(g Gomega, ctx context.Context) {
		var t v1alpha1.SessionTemplate
		g.Expect(cl.api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: template}, &t)).To(Succeed())
		g.Expect(t.Status.Sessions).To(Equal(v1alpha1.SessionCounts{Total: sleepers}))
	}).Should(Succeed(), "the template counts them")

	release := noneAsks(ctx)
	log := markAudit()
	pass(ctx, quiet)
	writes, leases := log.since()
	release()
	elsewhere := slices.DeleteFunc(slices.Clone(writes), func(e auditEvent) bool { return e.Object.Namespace == w.namespace })

	say("%d sessions slept for %s: %d writes of ours, and %d of Leases", sleepers, quiet, len(writes)-len(elsewhere), leases)
	if len(elsewhere) > 0 {
		say("others used the cluster: %d writes in other namespaces, the first: %s", len(elsewhere), elsewhere[0])
	}
	Expect(writes).NotTo(ContainElement(HaveField("Object.Namespace", BeElementOf("", system, w.namespace))))
	Expect(leases).To(BeNumerically(">", 0), "the audit log says nothing of our Leases, so it would say nothing of our writes")
}, SpecTimeout(10*time.Minute))

// auditLog is the API server's audit log, from a moment on.
type auditLog struct{ from int64 }

func markAudit() auditLog {
	GinkgoHelper()
	info, err := os.Stat(cl.Audit)
	Expect(err).NotTo(HaveOccurred())
	return auditLog{info.Size()}
}

// since are the writes of operator and gateways since then: how many of Leases, and all others.
func (l auditLog) since() (writes []auditEvent, leases int) {
	GinkgoHelper()
	file, err := os.Open(cl.Audit)
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	Expect(err).NotTo(HaveOccurred())
	Expect(info.Size()).To(BeNumerically(">=", l.from), "the audit log was rotated")
	_, err = file.Seek(l.from, io.SeekStart)
	Expect(err).NotTo(HaveOccurred())
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e auditEvent
		if json.Unmarshal(lines.Bytes(), &e) != nil || !e.ours() {
			continue // half of the last line may not be written yet
		}
		if e.Object.Resource == "leases" {
			leases++
			continue
		}
		writes = append(writes, e)
	}
	Expect(lines.Err()).NotTo(HaveOccurred())
	return writes, leases
}

// auditEvent is what is read of a line of the audit log.
type auditEvent struct {
	Time string `json:"requestReceivedTimestamp"`
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	Object struct {
		Resource, Namespace, Name string
	} `json:"objectRef"`
}

func (e auditEvent) String() string {
	return fmt.Sprintf("%s %s %s of %s/%s by %s", e.Time, e.Verb, e.Object.Resource, e.Object.Namespace, e.Object.Name, e.User.Username)
}

// ours says whether it is a write of the operator or of a gateway.
func (e auditEvent) ours() bool {
	reads := e.Verb == "get" || e.Verb == "list" || e.Verb == "watch"
	return !reads && strings.HasPrefix(e.User.Username, "system:serviceaccount:"+system+":"+release+"-")
}
