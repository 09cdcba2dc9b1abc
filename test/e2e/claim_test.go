package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// The gateways ask the API server for callers of the Session API: who they are, and what they may. The audit log has each such question
// as a write, in no namespace that would say whose it was.

// asks says that a test has such questions asked, until it ends.
func asks(ctx context.Context) {
	GinkgoHelper()
	DeferCleanup(claim(ctx, "questions", syscall.LOCK_SH))
}

// noneAsks waits until no other test has such questions asked, and lets none until release is called, or the test ends.
func noneAsks(ctx context.Context) (release func()) {
	GinkgoHelper()
	release = claim(ctx, "questions", syscall.LOCK_EX)
	DeferCleanup(release)
	return release
}

// claim holds a file for this process alone or beside others. The kernel lets go of it when the process dies.
func claim(ctx context.Context, what string, how int) (release func()) {
	GinkgoHelper()
	file, err := os.OpenFile(filepath.Join(cl.Folder, what+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	Expect(err).NotTo(HaveOccurred())
	Eventually(ctx, func() bool {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		Expect(err == nil || errors.Is(err, syscall.EWOULDBLOCK)).To(BeTrue(), "%v", err)
		return err == nil
	}).WithTimeout(5*time.Minute).Should(BeTrue(), "others hold %s", what)
	return sync.OnceFunc(func() { _ = file.Close() })
}
