package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"
)

// file is one of an image, and where it comes from.
type file struct{ path, from string }

// archive returns a tar of the whole file system: the files, which may be executed, a /tmp that everybody may write to, and an
// /etc/passwd, for programs that ask what their user is called.
func archive(files []file, user string) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	epoch := time.Unix(0, 0)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777, ModTime: epoch}); err != nil {
		return nil, fmt.Errorf("write /tmp into the layer: %w", err)
	}
	put := func(path string, mode int64, content []byte) error {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: path[1:], Mode: mode, Size: int64(len(content)), ModTime: epoch}
		if err := w.WriteHeader(h); err != nil {
			return fmt.Errorf("write %s into the layer: %w", path, err)
		}
		if _, err := w.Write(content); err != nil {
			return fmt.Errorf("write %s into the layer: %w", path, err)
		}
		return nil
	}
	if err := put("/etc/passwd", 0o644, []byte(passwd(user))); err != nil {
		return nil, err
	}
	for _, f := range files {
		content, err := os.ReadFile(f.from)
		if err != nil {
			return nil, fmt.Errorf("read what goes into the image: %w", err)
		}
		if err := put(f.path, 0o755, content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("finish the layer: %w", err)
	}
	return buf.Bytes(), nil
}

// passwd names the user that an image runs as, "uid:gid" in numbers.
func passwd(user string) string {
	uid, gid, _ := strings.Cut(user, ":")
	if gid == "" {
		gid = "0" // as the runtime takes it
	}
	return fmt.Sprintf("user:x:%s:%s::/tmp:/nowhere\n", uid, gid)
}
