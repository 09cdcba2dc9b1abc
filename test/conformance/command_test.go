package conformance

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/conformance"
)

// plugin builds the plugin of kubectl, and gives a way to call it: output, what it said of its progress, and whether it succeeded.
func plugin(t *testing.T) func(args ...string) (string, string, bool) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "kubectl-dormouse")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/kubectl-dormouse").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func(args ...string) (string, string, bool) {
		var out, progress bytes.Buffer
		cmd := exec.Command(program, append([]string{"conformance"}, args...)...)
		cmd.Stdout, cmd.Stderr = &out, &progress
		err := cmd.Run()
		return out.String(), progress.String(), err == nil
	}
}

// Whoever has a deployment sends it the same set with the plugin of kubectl, and sees by the exit code what came of it.
func TestCommand(t *testing.T) {
	run := plugin(t)
	gateway := start(t, conformance.Echo).Addr().String()
	silent := start(t, func(http.ResponseWriter, *http.Request) {}).Addr().String()

	t.Run("a gateway that conforms", func(t *testing.T) {
		out, progress, ok := run("--url", "http://a.t.test/", "--connect", gateway)
		if !ok || !strings.Contains(out, "forwarded                  passed") || !strings.Contains(progress, " 0 failed") {
			t.Errorf("%s%s", out, progress)
		}
	})
	t.Run("as JSON, a workload that does not echo", func(t *testing.T) {
		out, progress, ok := run("--url", "http://games.test/t/a/", "--connect", silent, "-o", "json")
		var results []conformance.Result
		if err := json.Unmarshal([]byte(out), &results); err != nil || !ok || !strings.Contains(progress, "does not echo") {
			t.Fatalf("%v\n%s%s", err, out, progress)
		}
		for _, r := range results {
			switch {
			case r.Name == "key-dot-segment" && r.Verdict != conformance.Passed, r.Name == "query" && r.Verdict != conformance.Skipped, r.Verdict == conformance.Failed:
				t.Errorf("%+v", r)
			}
		}
	})
	t.Run("something else than a gateway", func(t *testing.T) {
		pod := plain(t)
		out, progress, ok := run("--url", "http://a.t.test/", "--connect", pod)
		if ok || !strings.Contains(out, "failed") || !strings.Contains(progress, "error: the gateway does not conform") {
			t.Errorf("%s%s", out, progress)
		}
		names := []string{}
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); f[1] == "failed" {
				names = append(names, f[0])
			}
		}
		if out, _, ok := run("--url", "http://a.t.test/", "--connect", pod, "--except", strings.Join(names, ",")); !ok {
			t.Errorf("with all that fails excepted:\n%s", out)
		}
	})
	for _, args := range [][]string{
		{},
		{"--url", "ftp://a.t.test/"},
		{"--url", "http://a.t.test/?x"},
		{"--url", "http://a.t.test/", "--connect", gateway, "-o", "yaml"},
		{"--url", "http://a.t.test/", "--connect", "127.0.0.1:1"},
		{"--url", "http://of-no-route.test/", "--connect", gateway},
	} {
		if out, progress, ok := run(args...); ok || !strings.Contains(progress, "error: ") {
			t.Errorf("%q: %s%s", args, out, progress)
		}
	}
}
