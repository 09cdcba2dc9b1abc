package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/hack/progress"
)

// storyFolder is the folder of an example's story. Every other folder in an example is a program, with an image of its name.
const storyFolder = "story"

// examples has examples tell their stories, one after the other, on what install has left. No name stands for all that have a story.
func examples(ctx context.Context, d *demo, names []string) error {
	if len(names) == 0 {
		names = d.withStories()
	}
	for _, name := range names {
		if !slices.Contains(d.withStories(), name) {
			return fmt.Errorf("examples/%s has no story to tell; these have: %s", name, strings.Join(d.withStories(), ", "))
		}
	}
	if err := d.connect(ctx); err != nil {
		return err
	}
	gateway, err := d.gateway(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		fmt.Printf("\n== examples/%s\n", name)
		if err := d.example(ctx, name, gateway); err != nil {
			return fmt.Errorf("examples/%s: %w", name, err)
		}
	}
	return nil
}

// withStories are the examples that have a story.
func (d *demo) withStories() (names []string) {
	folders, _ := filepath.Glob(filepath.Join(d.root, "examples", "[0-9]*", storyFolder)) // the pattern is sound
	for _, f := range folders {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	return names
}

// example builds, loads and applies one example, and plays its story at a gateway.
func (d *demo) example(ctx context.Context, name, gateway string) error {
	began := time.Now()
	programs, err := d.programsOf(name)
	if err != nil {
		return err
	}
	if _, err := d.build(ctx, append(programs, d.storyOf(name))); err != nil {
		return err
	}
	if err := d.loadImages(ctx, programs, ""); err != nil {
		return err
	}
	namespace, err := d.apply(ctx, filepath.Join("examples", name))
	if err != nil {
		return err
	}
	fmt.Printf("-- it is built and applied, and its templates are accepted (%.1f s)\n", time.Since(began).Seconds())
	if err := d.show(ctx, d.binary(d.storyOf(name)), "-gateway", gateway); err != nil {
		return fmt.Errorf("%w\nAll is left running. Where to look:\n%s", err, d.hints(
			"get sessions,pods -n "+namespace, "describe sessions -n "+namespace, lookOperator, lookGateway))
	}
	return nil
}

// programsOf are the programs that an example's manifests name by their images.
func (d *demo) programsOf(example string) (all []program, err error) {
	folder := filepath.Join(d.root, "examples", example)
	named, err := manifests(folder)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("find the example: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.Contains(named, imageOf(e.Name())) {
			continue
		}
		p := program{name: e.Name(), module: "examples", source: "./" + example + "/" + e.Name(), fixed: true}
		list := filepath.Join(folder, e.Name(), besideFile)
		if _, err := os.Stat(list); err == nil {
			p.beside = list
		}
		all = append(all, p)
	}
	return all, nil
}

// imageOf is what a manifest says that wants the image of a program of examples.
func imageOf(name string) string { return "image: localhost/dormouse/" + name + ":dev" }

// manifests are those of a folder, one after the other.
func manifests(folder string) (text string, err error) {
	files, _ := filepath.Glob(filepath.Join(folder, "*.yaml")) // the pattern is sound
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			return "", fmt.Errorf("read the manifests: %w", err)
		}
		text += string(content)
	}
	return text, nil
}

func (d *demo) storyOf(example string) program {
	return program{name: "story-of-" + example, module: "examples", source: "./" + example + "/" + storyFolder, fixed: true}
}

// apply applies the manifests of a folder, waits until all that they start is ready, and returns their namespace.
func (d *demo) apply(ctx context.Context, folder string) (namespace string, err error) {
	defer progress.Of(func() string { return "applying " + folder })()
	home := filepath.Join(folder, "namespace.yaml")
	if _, err := d.kube(ctx, "apply", "-f", home, "-f", folder); err != nil { // kubectl takes the files of a folder by their names
		return "", err
	}
	namespace, err = d.kube(ctx, "get", "-f", home, "-o", "jsonpath={.metadata.name}")
	if err != nil {
		return "", err
	}
	helpers, err := d.kube(ctx, "get", "deployments,statefulsets", "-n", namespace, "-o", "name")
	if err != nil {
		return "", err
	}
	for _, h := range strings.Fields(helpers) {
		if _, err := d.kube(ctx, "rollout", "status", h, "--timeout=3m", "-n", namespace); err != nil {
			return "", err
		}
	}
	_, err = d.kube(ctx, "wait", "sessiontemplates", "--all", "--for=condition=Accepted", "--timeout=1m", "-n", namespace)
	return namespace, err
}
