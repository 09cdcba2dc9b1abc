package main

import (
	"bytes"
	"cmp"
	"debug/elf"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// contents says what goes into an image.
type contents struct {
	binary  string   // path of an ELF executable, static unless it is dynamic
	user    string   // "uid:gid"
	arch    string   // GOARCH; empty means that of the binary
	dynamic bool     // the linker and the libraries that the binary needs go with it, from this machine
	add     []string // further files, with the libraries that they need; see place.added
	from    place    // where those are
}

// architectures maps the machines of ELF to the names that images use.
var architectures = map[elf.Machine]string{
	elf.EM_X86_64:  "amd64",
	elf.EM_AARCH64: "arm64",
}

// build returns the image. It refuses a binary that needs a dynamic linker, for there is none in an empty image, unless that is to be added.
func build(spec contents) (v1.Image, error) {
	arch, err := inspect(spec.binary, spec.dynamic)
	if err != nil {
		return nil, err
	}
	if spec.arch != "" {
		arch = spec.arch
	}
	entrypoint := "/" + filepath.Base(spec.binary)
	content, err := collect(spec, entrypoint)
	if err != nil {
		return nil, err
	}
	files, err := archive(content, spec.user)
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
		Env:        []string{"PATH=/:/usr/bin", "HOME=/tmp"},
	}
	return mutate.ConfigFile(image, config)
}

// collect finds all files of an image, each once: the binary, what is added, and the libraries that these need.
func collect(spec contents, entrypoint string) ([]file, error) {
	all := []file{{entrypoint, spec.binary}}
	for _, text := range spec.add {
		more, err := spec.from.added(text)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	for _, f := range slices.Clone(all) {
		if f.from == spec.binary && !spec.dynamic || !linked(f.from) {
			continue
		}
		more, err := spec.from.libraries(f.from)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	slices.SortStableFunc(all, func(a, b file) int { return cmp.Compare(a.path, b.path) })
	return slices.CompactFunc(all, func(a, b file) bool { return a.path == b.path }), nil
}

// inspect returns the architecture of a binary, which must be static unless it may be dynamic.
func inspect(path string, dynamic bool) (string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("read %s: %w (a Linux executable is needed; build it with GOOS=linux CGO_ENABLED=0)", path, err)
	}
	defer func() { _ = file.Close() }()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP && !dynamic {
			return "", fmt.Errorf("%s needs a dynamic linker, which the image does not have; build it with CGO_ENABLED=0, or pass -dynamic", path)
		}
	}
	arch, ok := architectures[file.Machine]
	if !ok {
		return "", fmt.Errorf("%s is for %s, which no image here is made for; pass -arch", path, file.Machine)
	}
	return arch, nil
}
