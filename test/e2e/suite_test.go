package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// Where hack/demo installs things.
const (
	release = "dormouse"
	system  = "dormouse-system" // the namespace of operator and gateways
)

var (
	cl    *cluster
	state *store
)

func TestPromises(t *testing.T) {
	if why := unable(t.Context()); why != "" {
		skipAll(t, why)
	}
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
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

// skipAll names every promise that is not tried.
func skipAll(t *testing.T, why string) {
	t.Helper()
	for _, spec := range PreviewSpecs("Promises").SpecReports {
		if text := spec.FullText(); text != "" {
			t.Logf("SKIPPED: %s", text)
		}
	}
	t.Skipf("NO PROMISE WAS TRIED: %s", why)
}

var _ = BeforeSuite(func(ctx SpecContext) {
	cl = openCluster(ctx)
	state = openStore(ctx)
	cl.kills = cl.restarts(ctx)
}, NodeTimeout(20*time.Minute))

var _ = JustAfterEach(func(ctx SpecContext) {
	if CurrentSpecReport().Failed() {
		cl.explain(ctx)
	}
}, NodeTimeout(time.Minute))

// Whatever a test does, the containers of Dormouse end only when a test ends them.
var _ = AfterEach(func(ctx SpecContext) {
	for pod, count := range cl.restarts(ctx) {
		Expect(count).To(Equal(cl.kills[pod]), "a container of %s has ended, and no test has killed it", pod)
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
