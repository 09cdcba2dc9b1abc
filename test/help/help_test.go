// Package help holds what the commands say of themselves: a flag that comes, goes or changes is seen in a golden file.
package help

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// place is where go run put the command, which is another place each time.
var place = regexp.MustCompile(`(?m)^Usage of .*/`)

func TestHelp(t *testing.T) {
	for _, command := range []string{"cmd/operator", "cmd/gateway", "cmd/kubectl-dormouse", "cmd/kubectl-dormouse conformance", "hack/next", "hack/demo", "hack/cluster", "hack/bench"} {
		t.Run(command, func(t *testing.T) {
			words := strings.Fields(command)
			run := exec.Command("go", append([]string{"run", "./" + words[0]}, append(words[1:], "--help")...)...)
			run.Dir = "../.."
			run.Env = append(os.Environ(), "POD_NAME=", "POD_NAMESPACE=", "POD_UID=", "KUBECONFIG=")
			got, err := run.CombinedOutput()
			if err != nil {
				t.Fatalf("--help fails: %v\n%s", err, got)
			}
			compare(t, "testdata/"+regexp.MustCompile(`[/ ]`).ReplaceAllString(command, "-")+".golden", place.ReplaceAll(got, []byte("Usage of ")))
		})
	}
}

func compare(t *testing.T, golden string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("--help changed; if it is meant: go test ./test/help -update\n%s", got)
	}
}
