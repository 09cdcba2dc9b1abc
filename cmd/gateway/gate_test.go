package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/access"
)

// The keys of a mounted Secret: what the kubelet has beside them is none, the first by name signs, and what cannot be read changes nothing.
func TestLoadKeys(t *testing.T) {
	folder := t.TempDir()
	write := func(name, key string) { must(t, os.WriteFile(filepath.Join(folder, name), []byte(key), 0o600)) }
	must(t, os.Mkdir(filepath.Join(folder, "..2026_01_01"), 0o700))
	must(t, os.Symlink("..2026_01_01", filepath.Join(folder, "..data")))
	one, two := strings.Repeat("1", 32), strings.Repeat("2", 32)
	write("b", one+"\n")
	keys := &access.Keys{}
	must(t, load(folder, keys))
	if got, want := sign(t, keys), sign(t, keysOf(t, one)); got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
	write("a", two)
	must(t, load(folder, keys))
	if got, want := sign(t, keys), sign(t, keysOf(t, two, one)); got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
	write("c", "short")
	if err := load(folder, keys); err == nil {
		t.Error("a short key is taken")
	}
	if got, want := sign(t, keys), sign(t, keysOf(t, two)); got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
	if err := load(filepath.Join(folder, "none"), keys); err == nil {
		t.Error("no folder is taken")
	}
}

func keysOf(t *testing.T, all ...string) *access.Keys {
	t.Helper()
	keys := &access.Keys{}
	var bytes [][]byte
	for _, k := range all {
		bytes = append(bytes, []byte(k))
	}
	must(t, keys.Set(bytes))
	return keys
}

func sign(t *testing.T, keys *access.Keys) string {
	t.Helper()
	token, err := keys.Sign(access.Capability{Session: "chess.a"})
	must(t, err)
	return token
}
