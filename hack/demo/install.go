package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Where things are installed.
const (
	release  = "dormouse"
	system   = "dormouse-system" // the namespace of operator and gateways
	games    = "games"           // the namespace of the example
	template = "chess"           // its SessionTemplate
)

// program is one of ours, or one that the example needs, and the image that it goes into.
type program struct {
	name   string
	module string // its folder in the repository
	source string
	fixed  bool   // the image's tag is "dev", as the example's manifests say, and not the chart's image.tag
	beside string // the file that says what of Debian is in its image beside it; empty: nothing
}

// programs are Dormouse, and the first example.
var programs = []program{
	{name: "operator", module: ".", source: "./cmd/operator"},
	{name: "gateway", module: ".", source: "./cmd/gateway"},
	{name: "gametable", module: "examples", source: "./00-one-table/gametable", fixed: true},
	{name: "nats-server", module: "examples", source: "github.com/nats-io/nats-server/v2", fixed: true},
}

// install brings the cluster from any state to the one in which the story can be told. Every step may find its work done.
func install(ctx context.Context, d *demo) error {
	var tag string
	for _, step := range []struct {
		done string
		do   func() error
	}{
		{"the cluster runs", func() error { return d.startCluster(ctx) }},
		{"the programs are built", func() (err error) { tag, err = d.build(ctx, programs); return err }},
		{"the images are on the node", func() error { return d.loadImages(ctx, programs, tag) }},
		{"Dormouse is installed", func() error { return d.installChart(ctx, tag) }},
		{"the example is applied, and its template accepted", func() error { return d.applyExample(ctx) }},
	} {
		began := time.Now()
		if err := step.do(); err != nil {
			return err
		}
		fmt.Printf("-- %s (%.1f s)\n", step.done, time.Since(began).Seconds())
	}
	return nil
}

func (d *demo) startCluster(ctx context.Context) error {
	if err := d.show(ctx, d.cluster, "up"); err != nil {
		return err
	}
	return d.connect(ctx)
}

// connect finds the way to the cluster, which must run.
func (d *demo) connect(ctx context.Context) error {
	for name, question := range map[*string][]string{&d.kubeconfig: {"kubeconfig"}, &d.kubectl: {"path", "kubectl"}} {
		answer, err := d.run(ctx, "asking for "+strings.Join(question, " "), d.cluster, question...)
		if err != nil {
			return err
		}
		*name = strings.TrimSpace(answer)
	}
	return nil
}

func (d *demo) binary(p program) string { return filepath.Join(d.folder, p.name) }

// build builds the programs and returns the tag of our images: other programs give another tag, so that an upgrade
// replaces the pods if, and only if, something has changed.
func (d *demo) build(ctx context.Context, programs []program) (tag string, err error) {
	sum := sha256.New()
	for _, p := range programs {
		// -buildvcs=false: a commit that changes nothing in a program gives the same program.
		_, err := d.run(ctx, "building "+p.name, "env", "CGO_ENABLED=0", "GOOS=linux", "go", "-C", p.module, "build",
			"-buildvcs=false", "-ldflags=-s -w", "-o", d.binary(p), p.source)
		if err != nil {
			return "", err
		}
		if p.fixed {
			continue
		}
		content, err := os.ReadFile(d.binary(p))
		if err != nil {
			return "", fmt.Errorf("read what was built: %w", err)
		}
		sum.Write(content)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))[:12], nil
}

func (d *demo) loadImages(ctx context.Context, programs []program, tag string) error {
	image := filepath.Join(d.folder, "image")
	if _, err := d.run(ctx, "building hack/image", "go", "-C", "hack/image", "build", "-o", image, "."); err != nil {
		return err
	}
	load := []string{"load-image"}
	for _, p := range programs {
		name, archive := "localhost/dormouse/"+p.name+":"+tag, d.binary(p)+".tar"
		if p.fixed {
			name = "localhost/dormouse/" + p.name + ":dev"
		}
		beside, err := d.beside(ctx, p)
		if err != nil {
			return err
		}
		args := append([]string{"-o", archive, "-name", name, "-binary", d.binary(p)}, beside...)
		if _, err := d.run(ctx, "writing the image "+name, image, args...); err != nil {
			return err
		}
		load = append(load, archive)
	}
	_, err := d.run(ctx, "loading the images", d.cluster, load...)
	return err
}

func (d *demo) installChart(ctx context.Context, tag string) error {
	helm := []string{"tool", "-modfile=hack/tools/helm/go.mod", "helm"}
	if _, err := d.run(ctx, "building helm", "go", append(helm, "version")...); err != nil {
		return err
	}
	_, err := d.run(ctx, "waiting for operator and gateways", "go", append(helm,
		"upgrade", release, "charts/dormouse", "--install", "--namespace", system, "--create-namespace",
		"--values", "hack/demo/values.yaml", "--set-string", "image.tag="+tag, "--wait", "--timeout", "5m")...)
	if err != nil {
		return fmt.Errorf("%w\nWhere to look:\n%s", err, d.hints("get pods -n "+system, "describe pods -n "+system))
	}
	return nil
}

func (d *demo) applyExample(ctx context.Context) error {
	const folder = "examples/00-one-table/"
	for _, step := range []struct{ what, args string }{
		{"applying the example", "apply -f " + folder + "namespace.yaml -f " + folder + "store.yaml -f " + folder + "template.yaml"},
		{"waiting for the example's store", "rollout status statefulset/store --timeout=3m -n " + games},
		{"waiting for the template to be accepted", "wait sessiontemplate/" + template + " --for=condition=Accepted --timeout=1m -n " + games},
	} {
		if _, err := d.run(ctx, step.what, d.kubectl, strings.Fields(step.args)...); err != nil {
			return fmt.Errorf("%w\nWhere to look:\n%s", err, d.hints("get pods -n "+games,
				"describe sessiontemplate "+template+" -n "+games, "logs -n "+system+" -l app.kubernetes.io/component=operator"))
		}
	}
	return nil
}

// hints are kubectl commands as one types them.
func (d *demo) hints(commands ...string) string {
	text := "  export KUBECONFIG=" + d.kubeconfig + "\n"
	for _, c := range commands {
		text += "  " + d.kubectl + " " + c + "\n"
	}
	return text
}
