package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// contents says what goes into an image.
type contents struct {
	binary string // path of a static ELF executable
	user   string // "uid:gid"
	arch   string // GOARCH; empty means that of the binary
}

// architectures maps the machines of ELF to the names that images use.
var architectures = map[elf.Machine]string{
	elf.EM_X86_64:  "amd64",
	elf.EM_AARCH64: "arm64",
}

// build returns the image. It refuses a binary that needs a dynamic linker, for there is none in an empty image.
func build(spec contents) (v1.Image, error) {
	arch, err := inspect(spec.binary)
	if err != nil {
		return nil, err
	}
	if spec.arch != "" {
		arch = spec.arch
	}
	binary, err := os.ReadFile(spec.binary)
	if err != nil {
		return nil, fmt.Errorf("read the binary: %w", err)
	}
	entrypoint := "/" + filepath.Base(spec.binary)
	files, err := archive(entrypoint, binary)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files)), nil
	})
	if err != nil {
		return nil, fmt.Errorf("make the layer: %w", err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, fmt.Errorf("add the layer: %w", err)
	}
	return configure(image, arch, entrypoint, spec.user)
}

func configure(image v1.Image, arch, entrypoint, user string) (v1.Image, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read the image's config: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{
		Entrypoint: []string{entrypoint},
		User:       user,
		WorkingDir: "/",
		Env:        []string{"PATH=/", "HOME=/tmp"},
	}
	return mutate.ConfigFile(image, config)
}

// archive returns a tar of the whole file system: the binary, and a /tmp that everybody may write to.
func archive(entrypoint string, binary []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	epoch := time.Unix(0, 0)
	headers := []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777, ModTime: epoch},
		{Typeflag: tar.TypeReg, Name: entrypoint[1:], Mode: 0o755, Size: int64(len(binary)), ModTime: epoch},
	}
	for _, h := range headers {
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("write %s into the layer: %w", h.Name, err)
		}
	}
	if _, err := w.Write(binary); err != nil {
		return nil, fmt.Errorf("write the binary into the layer: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("finish the layer: %w", err)
	}
	return buf.Bytes(), nil
}

// inspect returns the architecture of a static binary.
func inspect(path string) (string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("read %s: %w (a Linux executable is needed; build it with GOOS=linux CGO_ENABLED=0)", path, err)
	}
	defer func() { _ = file.Close() }()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return "", fmt.Errorf("%s needs a dynamic linker, which the image does not have; build it with CGO_ENABLED=0", path)
		}
	}
	arch, ok := architectures[file.Machine]
	if !ok {
		return "", fmt.Errorf("%s is for %s, which no image here is made for; pass -arch", path, file.Machine)
	}
	return arch, nil
}
