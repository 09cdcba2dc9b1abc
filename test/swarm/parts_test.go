//go:build linux

package swarm

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

// system is the namespace of operators and gateways.
const system = "dormouse-system"

// leaderKey names the Lease of the operator that leads.
var leaderKey = client.ObjectKey{Namespace: system, Name: "dormouse-operator"}

// gateway is one gateway: a process, its pod's object, and the proxy between it and the API server.
type gateway struct {
	run *run
	*program
	proxy       *proxy
	flags       []string // besides those that each has
	port, admin int
	client      *http.Client
	leaving     atomic.Bool // clients send nothing more here
	pod         *corev1.Pod
	pods        int // how many it has been
}

// operator is one operator.
type operator struct {
	*program
	proxy *proxy
	admin int
}

// build builds operator and gateway as they are shipped.
func build(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", dir+"/", "./cmd/operator", "./cmd/gateway")
	cmd.Dir = apiserver.Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
}

func (r *run) proxied(name string, seed uint64) (*proxy, string) {
	p := openProxy(r.t, name, r.plane.port, r.seed+seed, func(what trouble) { r.tally.add("API faults: "+string(what), 1) })
	file := filepath.Join(r.dir, name+".kubeconfig")
	if err := os.WriteFile(file, []byte(p.kubeconfig()), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return p, file
}

// straight is a file for clients that have no proxy.
func (r *run) straight() string {
	file := filepath.Join(r.dir, "kubeconfig")
	if err := os.WriteFile(file, []byte(r.plane.kubeconfig()), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return file
}

// openOperator starts an operator, which reaches the API server by way of a proxy or, without one, as its file says.
func (r *run) openOperator(name string, p *proxy, kubeconfig string, flags ...string) {
	o := &operator{proxy: p, admin: freePort(r.t)}
	o.program = &program{
		name: name, path: filepath.Join(r.dir, "operator"), rest: 300 * time.Millisecond,
		args: append([]string{"--admin=" + local(o.admin), "--name=" + name, "--namespace=" + system, "--kubeconfig=" + kubeconfig}, flags...),
		ended: func(error) {
			r.tally.add("operators that ended by themselves, as one does that cannot renew its lease", 1)
		},
	}
	o.start(r.t, r.dir)
	r.operators = append(r.operators, o)
}

// openGateway starts a gateway likewise.
func (r *run) openGateway(name string, p *proxy, kubeconfig string, flags ...string) {
	g := &gateway{run: r, proxy: p, flags: append(flags, "--kubeconfig="+kubeconfig), port: freePort(r.t), admin: freePort(r.t), client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 100, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext},
	}}
	g.program = &program{
		name: name, path: filepath.Join(r.dir, "gateway"), rest: 300 * time.Millisecond,
		ended: func(err error) { r.fault("%s has ended, and nobody ended it: %v", name, err) },
	}
	g.embody()
	r.t.Cleanup(g.client.CloseIdleConnections)
	g.start(r.t, r.dir)
	r.gateways = append(r.gateways, g)
}

// embody makes the object of the gateway's next pod.
func (g *gateway) embody() {
	g.pods++
	g.pod = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: fmt.Sprintf("%s-%d", g.name, g.pods)}}
	g.pod.Spec = corev1.PodSpec{NodeName: nodeName, Containers: []corev1.Container{{Name: v1alpha1.ComponentGateway, Image: "gateway"}}}
	g.run.must("make the pod of "+g.name, func() error { return g.run.api.Create(g.run.ctx, g.pod) })
	g.say(corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}})
	g.args = append([]string{
		"--listen=" + local(g.port), "--admin=" + local(g.admin), "--shutdown-delay=500ms",
		"--namespace=" + system, "--name=" + g.pod.Name,
	}, g.flags...)
	g.env = []string{"POD_UID=" + string(g.pod.UID)}
}

// say is what the kubelet of the gateway's node says of its container.
func (g *gateway) say(status corev1.ContainerStatus) {
	status.Name, status.Image = v1alpha1.ComponentGateway, "gateway"
	body, err := json.Marshal(map[string]any{"status": map[string]any{"phase": "Running", "containerStatuses": []corev1.ContainerStatus{status}}})
	if err != nil {
		panic(err)
	}
	g.run.must("write the status of "+g.pod.Name, func() error {
		return g.run.api.Status().Patch(g.run.ctx, g.pod.DeepCopy(), client.RawPatch(types.MergePatchType, body))
	})
}

// ready waits until the gateway serves.
func (g *gateway) ready() {
	g.run.wait(2*time.Minute, g.name+" serves", func() bool {
		answer, err := http.Get("http://" + local(g.admin) + "/readyz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// remembers is what the gateway holds for sessions and requests, and what it should never do; empty: nothing.
func (g *gateway) remembers() string {
	answer, err := http.Get("http://" + local(g.admin) + "/metrics")
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	var text strings.Builder
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "dormouse_gateway_misroutes_refused_total":
			n, _ := strconv.ParseFloat(value, 64)
			g.run.tally.set("connections refused by "+g.name+" since its last start, because another pod was there", int64(n))
		case "dormouse_gateway_directory_entries", "dormouse_gateway_unsettled_sessions", "dormouse_gateway_held_requests",
			"dormouse_gateway_stale", "dormouse_gateway_panics_total":
			if value != "0" {
				fmt.Fprintf(&text, "%s: %s is %s\n", g.name, name, value)
			}
		}
	}
	return text.String()
}

// restart ends the gateway's process by a signal, and starts it again after rest: as its pod's next container, or as another pod.
func (g *gateway) restart(s syscall.Signal, rest time.Duration, anew bool) {
	if s == syscall.SIGTERM {
		g.leaving.Store(true) // as a Service takes it out
		defer g.leaving.Store(false)
		time.Sleep(100 * time.Millisecond)
		drained := g.run.diary.begin("drain of " + g.name)
		g.signal(s)
		drained()
	} else {
		defer g.run.diary.begin(g.name)()
		g.signal(s)
	}
	old := metav1.Now()
	time.Sleep(rest)
	if anew {
		g.run.retire(g.pod.Name)
		g.embody()
	} else {
		last := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, FinishedAt: old}}
		g.say(corev1.ContainerStatus{RestartCount: 1, LastTerminationState: last, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}})
	}
	if err := g.launch(); err != nil {
		g.run.fault("%v", err)
		return
	}
	g.ready()
}

// retire removes the object of a pod that has ended, and a while later its Lease, as the garbage collector does.
func (r *run) retire(name string) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: name}}
	r.must("delete pod "+name, func() error {
		return client.IgnoreNotFound(r.api.Delete(r.ctx, pod, client.GracePeriodSeconds(0)))
	})
	r.work.Go(func() {
		select {
		case <-r.ctx.Done():
			return
		case <-time.After(5 * time.Second):
		}
		lease := &coordinationv1.Lease{ObjectMeta: pod.ObjectMeta}
		r.must("delete lease "+name, func() error { return client.IgnoreNotFound(r.api.Delete(r.ctx, lease)) })
	})
}

// leader is the operator that leads, or nil.
func (r *run) leader() *operator {
	var lease coordinationv1.Lease
	if err := r.api.Get(r.ctx, leaderKey, &lease); err != nil || lease.Spec.HolderIdentity == nil {
		return nil
	}
	for _, o := range r.operators {
		if o.name == *lease.Spec.HolderIdentity {
			return o
		}
	}
	return nil
}

// must does it until it is done: the API server may be away.
func (r *run) must(what string, do func() error) {
	var err error
	r.wait(2*time.Minute, what, func() bool { err = do(); return err == nil })
	if err != nil && r.ctx.Err() == nil {
		r.fault("%s: %v", what, err)
	}
}

// wait waits until something is so.
func (r *run) wait(within time.Duration, what string, so func() bool) bool {
	ctx, cancel := context.WithTimeout(r.ctx, within)
	defer cancel()
	for !so() {
		select {
		case <-ctx.Done():
			if r.ctx.Err() == nil {
				r.fault("not within %v: %s", within, what)
			}
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	return true
}
