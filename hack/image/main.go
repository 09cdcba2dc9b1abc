// Command image writes a container image that holds one static binary, and nothing else that was not asked for.
//
// The result is a Docker archive, which both of these read:
//
//	ctr -n k8s.io images import out.tar
//	kind load image-archive out.tar
//
// The same binary and flags give the same bytes: every timestamp is the Unix epoch.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const usage = `Write a container image with one static binary as its entrypoint.

  go run . -o out.tar -name localhost/dormouse/gateway:dev -binary bin/gateway

`

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(flags.Output(), usage); flags.PrintDefaults() }
	out := flags.String("o", "", "the archive to write")
	ref := flags.String("name", "", "the image's name and tag; start it with localhost/, so that nobody pulls it")
	spec := contents{}
	flags.StringVar(&spec.binary, "binary", "", "the static binary that becomes the entrypoint")
	flags.StringVar(&spec.user, "user", "65532:65532", "the user and group that it runs as, in numbers")
	flags.StringVar(&spec.arch, "arch", "", "the binary's architecture (default: read from the binary)")
	flags.StringVar(&spec.from.over, "root", "", "a folder, from the root on, that is looked into before this machine's root: one with packages that were unpacked")
	flags.Func("add", "add this file, or all files of this folder, with the libraries that they need; FILE=PATH puts it at another path; * stands for any name", func(text string) error {
		spec.add = append(spec.add, text)
		return nil
	})
	flags.BoolVar(&spec.dynamic, "dynamic", false, "add the dynamic linker and the libraries that the binary needs, as ldd finds them here")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || *ref == "" || spec.binary == "" || flags.NArg() > 0 {
		return errors.New("-o, -name and -binary are needed, and nothing else; see -help")
	}
	return write(*out, *ref, spec)
}

// write puts the image at path in one step: a reader sees the old archive or the new one.
func write(path, ref string, spec contents) error {
	tag, err := name.NewTag(ref, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("read the image name: %w (an example: localhost/dormouse/gateway:dev)", err)
	}
	image, err := build(spec)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+strings.TrimPrefix(filepath.Base(path), ".")+"-*")
	if err != nil {
		return fmt.Errorf("create the archive: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	err = tarball.Write(tag, image, file)
	if err := errors.Join(err, file.Chmod(0o644), file.Close()); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return os.Rename(file.Name(), path)
}
