// Package help holds what the commands say of themselves: a flag that comes, goes or changes is seen in a golden file.
package help

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestHelp builds before it runs: go run mixes what it downloads into what the command says.
func TestHelp(t *testing.T) {
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./cmd/...", "./hack/next", "./hack/demo", "./hack/cluster", "./hack/bench")
	build.Dir = "../.."
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	for _, command := range []string{"operator", "gateway", "kubectl-dormouse", "kubectl-dormouse conformance", "next", "demo", "cluster", "bench"} {
		t.Run(command, func(t *testing.T) {
			words := append(strings.Fields(command), "--help")
			help := exec.Command(filepath.Join(bin, words[0]), words[1:]...)
			help.Args[0] = words[0]
			help.Env = append(os.Environ(), "POD_NAME=", "POD_NAMESPACE=", "POD_UID=", "KUBECONFIG=")
			got, err := help.CombinedOutput()
			if err != nil {
				t.Fatalf("--help fails: %v\n%s", err, got)
			}
			compare(t, "testdata/"+strings.ReplaceAll(command, " ", "-")+".golden", got)
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
