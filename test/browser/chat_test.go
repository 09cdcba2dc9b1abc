package browser

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/page"
)

// startRoom starts the chat room of the examples, and returns where it listens.
func startRoom(t *testing.T) netip.AddrPort {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "chatroom")
	build := exec.Command("go", "build", "-o", binary, "./06-chat-rooms/chatroom")
	build.Dir = "../../examples"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	room := exec.Command(binary, "-listen", at)
	room.Env = append(os.Environ(), "SESSION_KEY=room <1>", "SESSION_EPOCH=1")
	room.Stderr = os.Stderr
	if err := room.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = room.Process.Kill(); _ = room.Wait() })
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if conn, err := net.Dial("tcp", at); err == nil {
			_ = conn.Close()
			return netip.MustParseAddrPort(at)
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("the room does not listen")
	return netip.AddrPort{}
}

// Two windows of the chat room's page hear what is said in either, through a gateway, and what was said is text. The page keeps its own strict policy:
// a browser that complains fails the test (004-20, 004-21).
func TestTwoWindowsOfAChatRoom(t *testing.T) {
	ann, bob := open(t), open(t)
	w := newWorld(t, page.Brand{})
	w.publishAt(startRoom(t))
	for _, b := range []*tab{ann, bob} {
		b.visit(w.url())
		b.shows("h1", "room <1>")
		b.shows("#state", "Connected")
	}
	speaks(ann, "Ann", "hello <b>Bob</b>")
	for _, b := range []*tab{ann, bob} {
		b.shows("#said", "hello <b>Bob</b>")
	}
	speaks(bob, "Bob", "hi")
	for _, b := range []*tab{ann, bob} {
		b.shows("#said li:nth-child(2)", "hi")
	}
	late := open(t)
	late.visit(w.url())
	late.shows("#said li:nth-child(1)", "Ann")
	late.shows("#said li:nth-child(2)", "Bob")
	late.shot("chat-phone-light", 320, "light")
	late.shot("chat-dark", 1280, "dark")
}

// speaks types and says something, as a person does.
func speaks(b *tab, from, text string) {
	b.t.Helper()
	is[bool](b, `(document.querySelector("#from").value = "`+from+`", document.querySelector("#text").value = "`+text+`",
		document.querySelector("#say button").click(), true)`)
}
