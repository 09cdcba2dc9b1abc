package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Where hack/demo installs things.
const (
	release = "dormouse"
	system  = "dormouse-system" // the namespace of operator and gateways
)

var (
	cl      *cluster
	state   *store
	skipped string // why no promise is tried, and which
)

func TestPromises(t *testing.T) {
	if why := unable(t.Context()); why != "" {
		skipped = nameAll(why)
		if suite, _ := GinkgoConfiguration(); suite.ParallelTotal == 1 {
			t.Skip(skipped)
		}
	}
	log.SetLogger(logr.Discard()) // of the client of these tests
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(2 * time.Minute) // no promise: many pods start and end on a small machine
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	RunSpecs(t, "Promises")
}

// unable says why no cluster can run here, and what to do about it.
func unable(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	switch {
	case os.Getenv("E2E") == "skip":
		return "E2E=skip is set: unset it"
	case os.Geteuid() == 0 || exec.CommandContext(ctx, "docker", "info").Run() == nil:
		return ""
	}
	return "a cluster needs root on Linux, or a Docker engine that answers: run this as root, or start Docker"
}

// nameAll names every promise that is not tried.
func nameAll(why string) string {
	text := "NO PROMISE WAS TRIED: " + why
	for _, spec := range PreviewSpecs("Promises").SpecReports {
		if name := spec.FullText(); name != "" {
			text += "\nSKIPPED: " + name
		}
	}
	return text
}

// One process brings everything up, for all.
var _ = SynchronizedBeforeSuite(func(ctx SpecContext) []byte {
	if skipped != "" {
		Skip(skipped)
	}
	c := openCluster(ctx)
	c.Kills = c.restarts(ctx)
	told, err := json.Marshal(c)
	Expect(err).NotTo(HaveOccurred())
	return told
}, func(ctx SpecContext, told []byte) {
	cl = &cluster{}
	Expect(json.Unmarshal(told, cl)).To(Succeed())
	cl.api = cl.connect()
	state = openStore(ctx)
}, NodeTimeout(45*time.Minute)) // the first time a Kubernetes is built, while other tests run

// The processes share what was built until the last of them has ended.
var _ = SynchronizedAfterSuite(func() {}, func() {
	if cl != nil {
		_ = os.RemoveAll(cl.Folder)
	}
})

var _ = JustAfterEach(func(ctx SpecContext) {
	if CurrentSpecReport().Failed() {
		cl.explain(ctx)
	}
}, NodeTimeout(time.Minute))

// Whatever a test does, the containers of Dormouse end only when a test ends them. A test that does is Serial: all of those run in one
// process, which remembers, and after all others.
var _ = AfterEach(func(ctx SpecContext) {
	for pod, count := range cl.restarts(ctx) {
		Expect(count).To(Equal(cl.Kills[pod]), "a container of %s has ended, and no test has killed it", pod)
	}
}, NodeTimeout(time.Minute))

// say prints a line of results, whatever the verbosity.
func say(format string, args ...any) {
	GinkgoHelper()
	AddReportEntry(fmt.Sprintf(format, args...), ReportEntryVisibilityAlways)
}

// lasts is a duration of the environment.
func lasts(variable string, otherwise time.Duration) time.Duration {
	GinkgoHelper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	Expect(err).NotTo(HaveOccurred(), variable)
	return d
}
