package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kindCluster does the same verbs with kind, on a machine that has Docker.
//
// It could not be run where it was written, which has no Docker engine: treat it as untested.
type kindCluster struct{}

const (
	kindName      = "dormouse"
	kindContainer = kindName + "-control-plane"
	// kindAuditLog is where the audit log is inside the node; kindFolder on the host is mounted there.
	kindAuditLog = "/var/log/dormouse/audit.log"
)

const kindConfig = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    extraMounts: [{hostPath: %[1]s, containerPath: /var/log/dormouse}]
    kubeadmConfigPatches:
      - |
        kind: ClusterConfiguration
        apiServer:
          extraArgs:
            audit-policy-file: /var/log/dormouse/audit-policy.yaml
            audit-log-path: ` + kindAuditLog + `
          extraVolumes:
            - {name: audit, hostPath: /var/log/dormouse, mountPath: /var/log/dormouse, pathType: DirectoryOrCreate}
`

// folder holds the kubeconfig and the audit log, on the host.
func (kindCluster) folder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache: %w", err)
	}
	dir := filepath.Join(cache, "dormouse", "kind")
	return dir, os.MkdirAll(dir, 0o755)
}

func (k kindCluster) up(ctx context.Context) error {
	if _, err := exec.LookPath("kind"); err != nil {
		return errors.New("kind is not installed: go install sigs.k8s.io/kind@latest, and put $(go env GOPATH)/bin in PATH")
	}
	names, err := run(ctx, "kind", "get", "clusters")
	if err != nil {
		return err
	}
	if strings.Contains("\n"+names, "\n"+kindName+"\n") {
		fmt.Fprintln(os.Stderr, "the cluster is up already")
		return nil
	}
	dir, err := k.folder()
	if err != nil {
		return err
	}
	policy, err := render("audit-policy.yaml", values{})
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "audit-policy.yaml"), policy, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "kind", "create", "cluster", "--name", kindName, "--wait", "3m", "--config", "-",
		"--kubeconfig", filepath.Join(dir, "kubeconfig"))
	cmd.Stdin = strings.NewReader(fmt.Sprintf(kindConfig, dir))
	_, err = output(cmd)
	return err
}

func (k kindCluster) down(ctx context.Context) error {
	if _, err := run(ctx, "kind", "delete", "cluster", "--name", kindName); err != nil {
		return err
	}
	dir, err := k.folder()
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

func (k kindCluster) status(ctx context.Context) error {
	dir, err := k.folder()
	if err != nil {
		return err
	}
	nodes, err := run(ctx, "docker", "exec", kindContainer, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "get", "nodes", "-o", "wide")
	if err != nil {
		return fmt.Errorf("%w; up starts it", err)
	}
	fmt.Printf("%skubeconfig  %s\naudit log   %s\n", nodes, filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "audit.log"))
	return nil
}

func (kindCluster) loadImages(ctx context.Context, files []string) error {
	for _, file := range files {
		if _, err := run(ctx, "kind", "load", "image-archive", file, "--name", kindName); err != nil {
			return err
		}
	}
	return nil
}

func (k kindCluster) kubeconfig(context.Context) error {
	dir, err := k.folder()
	if err == nil {
		fmt.Println(filepath.Join(dir, "kubeconfig"))
	}
	return err
}

// cut is not possible: node and API server are one container, and nothing lies between them.
func (kindCluster) cut(context.Context) error {
	return errors.New("the node of kind cannot be cut off from its API server; a local cluster's can")
}

func (kindCluster) mend(context.Context) error { return nil }

// kill uses systemd for the node's own services. The others are containers, which the kubelet starts again by itself.
func (kindCluster) kill(ctx context.Context, name string) error {
	script := `systemctl kill -s KILL "$1" && systemctl stop "$1"`
	if name != "kubelet" && name != "containerd" {
		script = `crictl stop -t 0 $(crictl ps -q --name "$1")`
	}
	_, err := run(ctx, "docker", "exec", kindContainer, "sh", "-c", script, "sh", name)
	return err
}

func (kindCluster) start(ctx context.Context, name string) error {
	if name != "kubelet" && name != "containerd" {
		return nil
	}
	_, err := run(ctx, "docker", "exec", kindContainer, "systemctl", "start", name)
	return err
}
