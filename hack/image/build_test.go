package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// static builds a small static binary and returns its path.
func static(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "hello")
	cmd := exec.Command("go", "build", "-o", binary, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

func TestTheSameBinaryGivesTheSameArchive(t *testing.T) {
	binary := static(t)
	var archives [2][]byte
	for i := range archives {
		out := filepath.Join(t.TempDir(), "out.tar")
		if err := run([]string{"-o", out, "-name", "localhost/test/hello:dev", "-binary", binary}); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		archives[i] = content
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two archives of one binary differ")
	}
}

func TestTheImageStartsTheBinaryAsAnOrdinaryUser(t *testing.T) {
	image, err := build(contents{binary: static(t), user: "65532:65532"})
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(config.Config.Entrypoint, " "); got != "/hello" {
		t.Errorf("entrypoint %q, want /hello", got)
	}
	if config.Config.User != "65532:65532" || config.Architecture != "amd64" {
		t.Errorf("user %q on %q, want 65532:65532 on amd64", config.Config.User, config.Architecture)
	}
}

func TestAScriptIsRefused(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := build(contents{binary: script})
	if err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("got %v, want an error that says how to build the binary", err)
	}
}
