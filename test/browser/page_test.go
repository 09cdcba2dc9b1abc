package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/page"
)

// From cold to the application: the page says what the session waits for as that changes, and goes on by itself (000-02).
func TestColdToApp(t *testing.T) {
	b, w := open(t), newWorld(t, page.Brand{Title: "Chess at the lake"})
	b.visit(w.url())
	b.shows("h1", "Waking up")
	b.shows("#brand", "Chess at the lake")
	b.shot("waking-light", 1280, "light")
	b.shot("waking-dark", 1280, "dark")
	w.apply(directory.View{State: directory.Unreachable, Queued: "limits.awake", Delay: directory.Delay{Reason: "Queued", For: "a place under limits.awake"}})
	b.shows("#sentence", "place in the queue")
	b.shows("#facts", "a place under limits.awake")
	w.apply(directory.View{State: directory.Unreachable, Delay: directory.Delay{
		Reason: "Unschedulable", For: "pod chess.a to get an address: Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.",
	}})
	b.shows("#sentence", "No machine has room")
	b.shows("#facts", "3 Insufficient cpu")
	b.shot("unschedulable-phone-light", 320, "light")
	b.shot("unschedulable-phone-dark", 320, "dark")
	if n := w.icons.Load(); n != 0 {
		t.Errorf("the page asked %d times for an icon", n)
	}
	w.publish()
	b.shows("#app", "Your move")
	if got := is[string](b, "location.href"); got != w.url() {
		t.Errorf("the application is at %s", got)
	}
}

func TestColdToAppWithoutScript(t *testing.T) {
	b, w := open(t), newWorld(t, page.Brand{})
	b.noScript()
	b.visit(w.url())
	b.shows("h1", "Waking up")
	w.publish()
	b.shows("#app", "Your move")
}

// A start that fails is told with how the pod ended, and what it said is text, whatever it is (000-04).
func TestStartThatFails(t *testing.T) {
	b, w := open(t), newWorld(t, page.Brand{})
	b.visit(w.url())
	b.shows("h1", "Waking up")
	w.apply(directory.View{State: directory.Failed, Failure: directory.Failure{
		Reason: "Error", Message: "exit code 3: cannot open <script>document.title='owned'</script> /data/board.db", RetryAt: time.Now().Add(75 * time.Second),
	}})
	b.shows("h1", "Trouble waking up")
	b.shows("#facts", "exit code 3: cannot open <script>")
	b.shows("#retry", "This page does so in 1 min")
	b.shot("failed-light", 1280, "light")
	b.shot("failed-dark", 1280, "dark")
	b.shot("failed-phone-light", 320, "light")
	if title := is[string](b, "document.title"); !strings.HasPrefix(title, "Trouble waking up") {
		t.Errorf("the title is %q", title)
	}
	b.visit(w.url()) // the same, as a page of its own
	b.shows("h1", "Trouble waking up")
	b.shows("#facts", "exit code 3: cannot open <script>")
	b.shows("#retry", "This page does so in 1 min")
}

func TestPagesOfErrors(t *testing.T) {
	b, w := open(t), newWorld(t, page.Brand{
		Title:  "Lakeside notebooks",
		Logo:   "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA4IDgiPjxjaXJjbGUgY3g9IjQiIGN5PSI0IiByPSI0IiBmaWxsPSIjMjY1Y2IzIi8+PC9zdmc+",
		Colors: page.Colors{Light: page.Palette{Background: "#ffffff", Text: "#1b2430", Accent: "#265cb3"}},
	})
	b.visit("http://" + w.addr + "/nowhere")
	b.shows("h1", "Nothing here")
	b.shows("#facts", "NoRoute (404)")
	b.shot("no-route-brand", 800, "light")
	if wide := is[float64](b, `document.querySelector("header img").naturalWidth`); wide == 0 {
		t.Error("the logo is not shown")
	}
}
