package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
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

func TestADynamicBinaryBringsWhatItNeeds(t *testing.T) {
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	spec := contents{binary: shell}
	if _, err := build(spec); err == nil {
		t.Skip("the shell is static here")
	}
	spec.dynamic = true
	image, err := build(spec)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(slices.Collect(maps.Keys(extract(t, image))), "\n")
	if !strings.Contains(all, filepath.Base(shell)) || !strings.Contains(all, "libc.so") || !strings.Contains(all, "/ld-") {
		t.Errorf("the image holds %q", all)
	}
}

// extract returns the files of an image.
func extract(t *testing.T, image v1.Image) map[string]string {
	t.Helper()
	tree := mutate.Extract(image)
	defer func() { _ = tree.Close() }()
	all := map[string]string{}
	for r := tar.NewReader(tree); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all["/"+h.Name] = string(content)
	}
}

// A folder over the machine's root wins, and its files lie in the image where they would lie on the machine.
func TestWhatIsAddedLiesWhereItWould(t *testing.T) {
	over := t.TempDir()
	for name, content := range map[string]string{"usr/share/x/1/a": "A", "usr/share/x/1/sub/b": "B", "usr/bin/tool": "T"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(over, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(over, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	image, err := build(contents{
		binary: static(t), user: "65532:65533", from: place{over},
		add: []string{"/usr/share/x/*", "/usr/bin/tool=/tool", "/bin/sh"}, // the last is the machine's
	})
	if err != nil {
		t.Fatal(err)
	}
	files := extract(t, image)
	for path, want := range map[string]string{
		"/usr/share/x/1/a": "A", "/usr/share/x/1/sub/b": "B", "/tool": "T", "/etc/passwd": "user:x:65532:65533::/tmp:/nowhere\n",
	} {
		if files[path] != want {
			t.Errorf("%s holds %q, want %q", path, files[path], want)
		}
	}
	for _, path := range []string{"/hello", "/bin/sh"} {
		if files[path] == "" {
			t.Errorf("%s is not there", path)
		}
	}
	for _, add := range []string{"/no/such/file", "a/relative/name", "/usr/share/["} {
		if _, err := build(contents{binary: static(t), add: []string{add}, from: place{over}}); err == nil {
			t.Errorf("%q can be added", add)
		}
	}
}
