package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/hack/progress"
)

// folderPattern is the name of the demo's folder in the folder for temporary files.
const folderPattern = "dormouse-demo-*"

// demo is the place that the demo works in.
type demo struct {
	root       string // of the repository
	folder     string // for what is built; removed by close
	cluster    string // the program of hack/cluster
	kubectl    string
	kubeconfig string
}

// open finds the repository, makes the folder and builds the program that knows the cluster.
func open(ctx context.Context) (*demo, error) {
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("find the repository: %w", err)
	}
	folder, err := os.MkdirTemp("", folderPattern)
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	d := &demo{root: filepath.Dir(strings.TrimSpace(string(module))), folder: folder, cluster: filepath.Join(folder, "cluster")}
	if _, err := d.run(ctx, "building hack/cluster", "go", "build", "-o", d.cluster, "./hack/cluster"); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *demo) close() { _ = os.RemoveAll(d.folder) }

// removeLeftovers removes the folders of demos that were killed.
func removeLeftovers() error {
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), folderPattern))
	if err != nil {
		return err
	}
	for _, f := range folders {
		if err := os.RemoveAll(f); err != nil {
			return fmt.Errorf("remove what an earlier demo left: %w", err)
		}
	}
	return nil
}

// run runs a program in the repository and returns what it printed. The error repeats what it complained about.
func (d *demo) run(ctx context.Context, what, program string, args ...string) (string, error) {
	defer progress.Of(func() string { return what })()
	cmd := d.command(ctx, program, args...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s %s\n%s", what, err, filepath.Base(program), strings.Join(args, " "),
			strings.TrimSpace(complaints.String()+out.String()))
	}
	return out.String(), nil
}

// show runs a program that tells its progress itself.
func (d *demo) show(ctx context.Context, program string, args ...string) error {
	cmd := d.command(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", filepath.Base(program), strings.Join(args, " "), err)
	}
	return nil
}

// command ends with ctx, but may clean up first. helm and kubectl keep their caches in our folder, not in the user's.
func (d *demo) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = d.root
	cmd.Env = append(os.Environ(), "KUBECACHEDIR="+d.folder, "HELM_CACHE_HOME="+d.folder,
		"HELM_CONFIG_HOME="+d.folder, "HELM_DATA_HOME="+d.folder)
	if d.kubeconfig != "" {
		cmd.Env = append(cmd.Env, "KUBECONFIG="+d.kubeconfig)
	}
	if d.kubectl != "" {
		cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(d.kubectl)+":"+os.Getenv("PATH"))
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}
