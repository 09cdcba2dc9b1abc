package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"text/tabwriter"
	"time"
)

// clusterBusy is what a command says that waits for another one to change the cluster.
const clusterBusy = "another command is at work on the cluster; waiting for it"

// localCluster is Kubernetes as processes of this machine, with one node.
type localCluster struct{ layout }

// openLocal returns the local cluster, whether it runs or not.
func openLocal() (localCluster, error) {
	dir, err := clusterDir()
	if err != nil {
		return localCluster{}, err
	}
	bin, _, err := binFolder()
	return localCluster{layout{dir: dir, bin: bin}}, err
}

// up brings the cluster from any state to the one in which pods run. Every step may find its work done.
func (c localCluster) up(ctx context.Context) error {
	began := time.Now()
	if c.allWork(ctx) == nil {
		fmt.Fprintln(os.Stderr, "the cluster is up already")
		return errors.Join(c.mend(ctx), c.status(ctx))
	}
	if err := c.notOfAnother(); err != nil {
		return err
	}
	if err := installPackages(ctx); err != nil {
		return err
	}
	if _, err := buildMissing(ctx); err != nil {
		return err
	}
	unlock, err := lock(ctx, c.dir, clusterBusy)
	if err != nil {
		return err
	}
	defer unlock()
	if before, ok := c.before(); ok && before.Boot != bootID() {
		return errors.New("the cluster is from before the last boot of this machine: run down, then up")
	}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	if err := c.startAll(ctx); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "the cluster is up after %s\n", took(time.Since(began)))
	fmt.Fprintf(os.Stderr, "export KUBECONFIG=%s\n", c.adminKubeconfig())
	return nil
}

// prepare makes everything that the components find when they start.
func (c localCluster) prepare(ctx context.Context) error {
	for _, step := range []func() error{
		c.writeConfig, c.writeCertificates, c.writeKubeconfigs, c.remember,
		func() error { return c.networkUp(ctx) },
		func() error { return c.mend(ctx) },
		allowBridgedTraffic, cgroupsUp,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// startAll starts what does not run, in an order in which nothing has to wait and retry.
func (c localCluster) startAll(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"starting etcd", func() error { return c.startThese(ctx, client, "etcd") }},
		{"starting the API server", func() error { return c.startThese(ctx, client, "kube-apiserver") }},
		{"giving the DNS server its rights", func() error { return c.apply(ctx, "config/coredns-rbac.yaml") }},
		{"starting the control loops, containerd and DNS", func() error {
			return c.startThese(ctx, client, "kube-controller-manager", "kube-scheduler", "containerd", "coredns")
		}},
		{"loading the pause image", func() error { return c.importImage(ctx, c.Binary(pauseArchive)) }},
		{"starting the kubelet and kube-proxy", func() error { return c.startThese(ctx, client, "kubelet", "kube-proxy") }},
		{"waiting for the node", func() error {
			return poll(ctx, patience, func(ctx context.Context) error { return nodeReady(ctx, client) })
		}},
	} {
		if err := progress(step.what, step.do); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// startThese starts those that do not run, and then waits for each to work.
func (c localCluster) startThese(ctx context.Context, client *http.Client, names ...string) error {
	var started []component
	for _, name := range names {
		one, err := findComponent(name)
		if err != nil {
			return err
		}
		started = append(started, one)
		if c.recorded(name).alive() {
			continue
		}
		if err := c.spawn(name); err != nil {
			return err
		}
	}
	for _, one := range started {
		if err := c.await(ctx, client, one); err != nil {
			return err
		}
	}
	return nil
}

// apply creates or updates the objects of a file of the cluster's folder.
func (c localCluster) apply(ctx context.Context, file string) error {
	_, err := run(ctx, c.Binary("kubectl"), "--kubeconfig="+c.adminKubeconfig(), "apply", "--server-side", "--force-conflicts",
		"-f", c.Path(file))
	return err
}

func (c localCluster) down(ctx context.Context) error {
	if err := c.notOfAnother(); err != nil {
		return err
	}
	unlock, err := lock(ctx, c.dir, clusterBusy)
	if err != nil {
		return err
	}
	defer unlock()
	return progress("stopping the cluster and removing what it made", func() error { return c.tearDown(ctx) })
}

// allWork tells whether all components run and work, and pods can be created.
func (c localCluster) allWork(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return errors.New("the cluster is not up")
	}
	for _, one := range components {
		if !c.recorded(one.name).alive() {
			return fmt.Errorf("%s does not run", one.name)
		}
		if err := c.works(ctx, client, one); err != nil {
			return fmt.Errorf("%s does not work: %w", one.name, err)
		}
	}
	return nodeReady(ctx, client)
}

func (c localCluster) status(ctx context.Context) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COMPONENT\tPROCESS\tLOG")
	for _, one := range components {
		state := "does not run"
		if p := c.recorded(one.name); p.alive() {
			state = fmt.Sprint(p.PID)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", one.name, state, c.logFile(one.name))
	}
	_ = w.Flush()
	for _, line := range [][2]string{
		{"kubeconfig", c.adminKubeconfig()},
		{"audit log", c.auditLog()},
		{"binaries", c.bin},
		{"API server", loopback("https", apiPort, "") + ", from pods https://" + apiServiceIP},
		{"node", nodeName + ", " + bridgeIP + " on " + bridgeName + "; node ports answer there"},
		{"pods, services", podCIDR + ", " + serviceCIDR},
		{"DNS", bridgeIP + ", NAME.NAMESPACE.svc." + clusterDomain},
	} {
		fmt.Printf("%-15s %s\n", line[0], line[1])
	}
	if err := c.allWork(ctx); err != nil {
		return fmt.Errorf("%w; up starts or repairs it", err)
	}
	return nil
}

func (c localCluster) loadImages(ctx context.Context, files []string) error {
	for _, file := range files {
		if err := progress("loading "+file, func() error { return c.importImage(ctx, file) }); err != nil {
			return err
		}
	}
	return nil
}

// importImage puts an image where the kubelet finds it.
func (c localCluster) importImage(ctx context.Context, file string) error {
	_, err := run(ctx, c.Binary("ctr"), "--address", c.ContainerdSocket(), "--namespace", "k8s.io", "images", "import", file)
	if err != nil {
		return fmt.Errorf("import the image %s: %w", file, err)
	}
	return nil
}

func (c localCluster) kubeconfig(context.Context) error {
	if _, err := os.Stat(c.adminKubeconfig()); err != nil {
		return errors.New("there is no cluster; run up")
	}
	fmt.Println(c.adminKubeconfig())
	return nil
}

func (c localCluster) kill(ctx context.Context, name string) error {
	if _, err := findComponent(name); err != nil {
		return err
	}
	p := c.recorded(name)
	if !p.alive() {
		return fmt.Errorf("%s does not run", name)
	}
	if err := p.end(ctx); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "killed %s (process %d)\n", name, p.PID)
	return nil
}

func (c localCluster) start(ctx context.Context, name string) error {
	if _, err := findComponent(name); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return errors.New("there is no cluster; run up")
	}
	if _, err := buildMissing(ctx, name); err != nil {
		return err
	}
	unlock, err := lock(ctx, c.dir, clusterBusy)
	if err != nil {
		return err
	}
	defer unlock()
	return progress("starting "+name, func() error { return c.startThese(ctx, client, name) })
}
