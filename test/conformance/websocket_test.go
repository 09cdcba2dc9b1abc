package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// 000-02, 004-20: two ends that are not ours, npm ws, see the same of each other through the gateway as without it: each message, ping, pong,
// goodbye and error, in order, of all that RFC 6455 and 7692 allow and of what they forbid. Where an end breaks off without a goodbye, the
// gateway says what it means.
func TestWebSocketDifferential(t *testing.T) {
	server := wsServer(t)
	differs(t, server, without{}, func(*resolve.Template) {}, exceptions{
		"the server ends its half": "the client is told to connect again: 1012",
		"the server breaks off":    "the client is told to connect again: 1012",
	})
}

// The same of a connection that may hibernate. No compression is agreed on in it, as what two ends agree on in it the next pod does not know; and
// where the server breaks off, the client's connection stays, for the next pod: TestPodCrashesUnderAConnection.
func TestWebSocketDifferentialOfOneThatHibernates(t *testing.T) {
	server := wsServer(t)
	out := without{Compression: true, Names: []string{"the server ends its half", "the server breaks off"}}
	differs(t, server, out, func(t *resolve.Template) { t.Hibernates = true }, exceptions{})
}

// without is what of the cases is left out.
type without struct {
	Compression bool     `json:"compression"` // the server agrees to none
	Names       []string `json:"names"`
}

// differs plays the cases without the gateway and through it. What was seen must be the same but in the cases of except, and not in those.
func differs(t *testing.T, server string, out without, template func(*resolve.Template), except exceptions) {
	t.Helper()
	direct := wsCases(t, "ws://"+server+"/", server, out)
	l := startFor(t, place{pod: server, template: template})
	through := wsCases(t, "ws://"+l.Addr().String()+"/t/a/", server, out)
	for name, want := range direct {
		got, why := through[name], except[name]
		if same := got == want; same == (why != "") {
			t.Errorf("%s: same is %v, excepted for %q\nwithout it: %s\nthrough it: %s", name, same, why, want, got)
		}
	}
	t.Logf("%d cases, of which %d differ", len(direct), len(except))
}

// wsServer starts the server of the differential, and gives its address.
func wsServer(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("NO WEBSOCKET CASE WAS TRIED: %s is not installed: hack/packages nodejs npm", program)
		}
	}
	if _, err := os.Stat("ws/node_modules/ws"); err != nil {
		t.Skip("NO WEBSOCKET CASE WAS TRIED: npm's package ws is not installed: npm ci --prefix test/conformance/ws")
	}
	cmd := exec.Command("node", "ws/server.mjs")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _, _ = io.Copy(io.Discard, out); _ = cmd.Wait() })
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + strings.TrimSpace(port)
}

// wsCases plays all cases against a URL, and gives what was seen in each.
func wsCases(t *testing.T, url, server string, out without) map[string]string {
	t.Helper()
	left, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "node", "ws/client.mjs", url, "http://"+server+"/", string(left))
	cmd.Stderr = &complaints
	lines, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, lines, complaints.String())
	}
	all := map[string]string{}
	for line := range bytes.Lines(lines) {
		var seen struct{ Case string }
		if err := json.Unmarshal(line, &seen); err != nil {
			t.Fatal(err)
		}
		all[seen.Case] = strings.TrimSpace(string(line))
	}
	if len(all) < 150 {
		t.Fatalf("%d cases", len(all))
	}
	return all
}
