package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// binary is one program of the cluster, and how it is built.
type binary struct {
	name   string
	folder string // of the module that pins it, relative to the repository
	source string // the package
	// stamp returns linker flags that tell the program its version, which is that of the module named by stampOf.
	stamp   func(version string) []string
	stampOf string
}

// binaries of the cluster, in the order in which they are built: what envtest needs first.
var binaries = []binary{
	kubernetes("kube-apiserver"),
	{name: "etcd", folder: "hack/cluster/modules/etcd", source: "go.etcd.io/etcd/server/v3"},
	kubernetes("kubectl"),
	kubernetes("kube-controller-manager"),
	kubernetes("kube-scheduler"),
	kubernetes("kubelet"),
	kubernetes("kube-proxy"),
	containerd("containerd"),
	containerd("containerd-shim-runc-v2"),
	containerd("ctr"),
	{name: "coredns", folder: "hack/cluster/modules/coredns", source: "github.com/coredns/coredns"},
	{name: "pause", folder: ".", source: "./hack/cluster/pause"},
}

// assets are the binaries that envtest looks for.
var assets = []string{"kube-apiserver", "etcd", "kubectl"}

// pauseArchive is the image of the pause program, which lies beside the binaries.
const pauseArchive = "pause.tar"

func kubernetes(name string) binary {
	return binary{
		name: name, folder: "hack/cluster/modules/kubernetes", source: "k8s.io/kubernetes/cmd/" + name,
		stampOf: "k8s.io/kubernetes", stamp: kubernetesStamp,
	}
}

func kubernetesStamp(version string) []string {
	number := strings.Split(strings.TrimPrefix(version, "v"), ".")
	var flags []string
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X "+pkg+".gitVersion="+version, "-X "+pkg+".gitTreeState=clean",
			"-X "+pkg+".gitMajor="+number[0], "-X "+pkg+".gitMinor="+number[1])
	}
	return flags
}

func containerd(name string) binary {
	const module = "github.com/containerd/containerd/v2"
	return binary{
		name: name, folder: "hack/cluster/modules/containerd", source: module + "/cmd/" + name, stampOf: module,
		stamp: func(version string) []string { return []string{"-X " + module + "/version.Version=" + version} },
	}
}

// fingerprinted are the files on which the binaries depend, as globs relative to the repository.
var fingerprinted = []string{
	"hack/cluster/modules/*/go.mod", "hack/cluster/modules/*/go.sum",
	"hack/cluster/pause/*.go", "hack/image/go.mod", "hack/image/go.sum", "hack/image/*.go",
}

// fingerprint names one set of binaries: other sources or another Go give another name.
func fingerprint(repository string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOARCH)
	for _, glob := range fingerprinted {
		files, err := filepath.Glob(filepath.Join(repository, glob))
		if err != nil || len(files) == 0 {
			return "", fmt.Errorf("no file matches %s in %s", glob, repository)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return "", fmt.Errorf("read what the build depends on: %w", err)
			}
			fmt.Fprintf(sum, "%s %d\n%s", strings.TrimPrefix(file, repository), len(content), content)
		}
	}
	return fmt.Sprintf("%x", sum.Sum(nil))[:12], nil
}

// binFolder returns the folder of the binaries, which need not exist yet.
func binFolder() (folder, repository string, err error) {
	repository, err = repositoryRoot()
	if err != nil {
		return "", "", err
	}
	hash, err := fingerprint(repository)
	if err != nil {
		return "", "", err
	}
	cache, err := os.UserCacheDir() // $XDG_CACHE_HOME, or ~/.cache
	if err != nil {
		return "", "", fmt.Errorf("find the cache: %w", err)
	}
	return filepath.Join(cache, "dormouse", "bin-"+hash), repository, nil
}

// repositoryRoot walks up from the working folder to the one that holds our modules.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "hack/cluster/modules/kubernetes/go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("this is not the Dormouse repository: run the command somewhere inside it")
		}
	}
}

// buildMissing builds those of the named binaries that the cache does not have, or all if none is named.
func buildMissing(ctx context.Context, names ...string) (string, error) {
	folder, repository, err := binFolder()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("create the cache: %w", err)
	}
	todo := missing(folder, names)
	for i, b := range todo {
		what := fmt.Sprintf("building %s (%d of %d)", b.name, i+1, len(todo))
		if err := buildAlone(ctx, what, b, folder, repository); err != nil {
			return "", err
		}
	}
	if len(names) == 0 {
		return folder, buildPauseImage(ctx, folder, repository)
	}
	return folder, nil
}

func missing(folder string, names []string) []binary {
	var todo []binary
	for _, b := range binaries {
		wanted := len(names) == 0
		for _, n := range names {
			wanted = wanted || n == b.name
		}
		if _, err := os.Stat(filepath.Join(folder, b.name)); wanted && err != nil {
			todo = append(todo, b)
		}
	}
	return todo
}

// buildAlone builds a binary, unless another command is at it: then that one's will do.
func buildAlone(ctx context.Context, what string, b binary, folder, repository string) error {
	turn := filepath.Join(folder, "building-"+b.name)
	unlock, err := lock(ctx, turn, "another command is building "+b.name+"; waiting for it")
	if err != nil {
		return err
	}
	defer unlock()
	defer func() { _ = os.Remove(turn) }() // who waits for it makes it anew
	if len(missing(folder, []string{b.name})) == 0 {
		return nil
	}
	return progress(what, func() error { return buildOne(ctx, b, folder, repository) })
}

// buildOne builds under another name and renames: whoever looks sees a whole binary or none.
func buildOne(ctx context.Context, b binary, folder, repository string) error {
	dir := filepath.Join(repository, b.folder)
	flags := []string{"-s", "-w"}
	if b.stamp != nil {
		version, err := goTool(ctx, dir, "list", "-m", "-f", "{{.Version}}", b.stampOf)
		if err != nil {
			return fmt.Errorf("find the version of %s: %w", b.name, err)
		}
		flags = append(flags, b.stamp(strings.TrimSpace(version))...)
	}
	temporary := filepath.Join(folder, fmt.Sprintf(".%s.%d", b.name, os.Getpid()))
	defer func() { _ = os.Remove(temporary) }()
	_, err := goTool(ctx, dir, "build", "-trimpath", "-buildvcs=false", "-ldflags", strings.Join(flags, " "), "-o", temporary, b.source)
	if err != nil {
		return fmt.Errorf("build %s: %w", b.name, err)
	}
	return os.Rename(temporary, filepath.Join(folder, b.name))
}

func buildPauseImage(ctx context.Context, folder, repository string) error {
	archive := filepath.Join(folder, pauseArchive)
	if _, err := os.Stat(archive); err == nil {
		return nil
	}
	_, err := goTool(ctx, filepath.Join(repository, "hack/image"), "run", ".",
		"-o", archive, "-name", pauseImage, "-binary", filepath.Join(folder, "pause"))
	if err != nil {
		return fmt.Errorf("make the pause image: %w", err)
	}
	return nil
}

// goTool runs the go command in a module, without the settings that a workspace or a CI may have made for another one.
func goTool(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=", "GOARCH=")
	return output(cmd)
}
