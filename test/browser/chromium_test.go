package browser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
)

// patience is how long a browser has for what a test waits for.
const patience = 30 * time.Second

// tab is one page of a browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string // what the browser complains of, such as a policy that was broken; not the status of an answer
}

// browser is one for all tests, with nothing remembered; nil: none is installed. It takes seconds to start.
var browser context.Context

func TestMain(m *testing.M) {
	os.Exit(withBrowser(m))
}

func withBrowser(m *testing.M) int {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return m.Run()
	}
	home, err := os.MkdirTemp("", "dormouse-browser")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	all, end := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(home), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-dev-shm-usage", true))
	defer end()
	first, end := chromedp.NewContext(all)
	defer end()
	if err := chromedp.Do(first); err != nil {
		panic(err)
	}
	browser = first
	return m.Run()
}

// open opens a tab, or skips the test if there is no browser.
func open(t *testing.T) *tab {
	t.Helper()
	if browser == nil {
		t.Skip("chromium is not installed: make packages")
	}
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	b.must("listen", chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*log.EventEntryAdded); ok && e.Entry.Source != log.EntrySourceNetwork {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.faults = append(b.faults, e.Entry.Text)
		}
	}))
	_, err := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	b.must("hear the log", err)
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, f := range b.faults {
			t.Errorf("the browser complains: %s", f)
		}
	})
	return b
}

func (b *tab) must(what string, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// noScript switches scripts off, as some people do.
func (b *tab) noScript() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.must("switch scripts off", err)
}

// visit goes to an address, and waits until that is loaded.
func (b *tab) visit(url string) {
	b.t.Helper()
	b.must("visit "+url, chromedp.Do(b.ctx, chromedp.Navigate(url)))
}

// shows waits until an element has a text.
func (b *tab) shows(selector, text string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	var got string
	for time.Now().Before(deadline) {
		var err error
		got, err = chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("`+selector+`")?.innerText ?? ""`))
		if err == nil && strings.Contains(got, text) {
			return
		}
		b.wait(50 * time.Millisecond)
	}
	b.t.Fatalf("%s shows %q, want %q", selector, got, text)
}

func (b *tab) wait(d time.Duration) {
	select {
	case <-b.ctx.Done():
		b.t.Fatal("the browser has ended")
	case <-time.After(d):
	}
}

// is gives what an expression of the page is.
func is[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	b.must(expression, err)
	return v
}

// shot takes a picture of the tab, for whoever runs the test with -artifacts.
func (b *tab) shot(name string, width int64, scheme string) {
	b.t.Helper()
	b.must("size", chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 760)))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	b.must("colours", err)
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.must("picture", err)
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
	if wide := is[int64](b, "document.documentElement.scrollWidth"); wide > width {
		b.t.Errorf("%s: the page is %d wide on a screen of %d", name, wide, width)
	}
}
