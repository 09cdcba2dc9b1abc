//go:build linux

package swarm

import (
	"context"
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// guest is one pod on the node.
type guest struct {
	kubelet *kubelet
	ns      string
	name    string
	uid     types.UID
	owner   owner
	work    *workload
	started metav1.Time

	grace atomic.Int64 // of its deletion, a duration
	ask   sync.Once
	asked chan struct{} // closed when it is to end
	gone  chan struct{} // closed when its object is gone
	crash chan int32    // takes an exit code
}

func (k *kubelet) newGuest(pod *corev1.Pod) *guest {
	env := map[string]string{}
	for _, v := range pod.Spec.Containers[0].Env {
		env[v.Name] = v.Value
		if v.ValueFrom != nil && v.ValueFrom.FieldRef != nil && v.ValueFrom.FieldRef.FieldPath == "metadata.uid" {
			env[v.Name] = string(pod.UID)
		}
	}
	epoch, _ := strconv.ParseInt(env[v1alpha1.EnvEpoch], 10, 64)
	fence, _ := strconv.ParseInt(env[v1alpha1.EnvFence], 10, 64)
	template := env[v1alpha1.EnvTemplate]
	g := &guest{
		kubelet: k, ns: pod.Namespace, name: pod.Name, uid: pod.UID, owner: owner{pod.Namespace + "/" + env[v1alpha1.EnvTenant]},
		asked: make(chan struct{}), gone: make(chan struct{}), crash: make(chan int32, 1),
		work: &workload{store: k.store, through: template == throughTemplate, hangs: k.hangs, identity: identity{
			UID: env[v1alpha1.EnvPodUID], Key: pod.Namespace + "/" + template + "/" + env[v1alpha1.EnvKey], Epoch: epoch, Fence: fence,
		}},
	}
	if template == greeterTemplate {
		g.work.done = make(chan struct{})
	}
	return g
}

// keyOf is what the session itself knows of its key.
func keyOf(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// run is the life of a pod.
func (g *guest) run(ctx context.Context) {
	if !g.bind(ctx) {
		return
	}
	select {
	case <-g.asked: // before it had begun
		g.report(ctx, terminated(137, "ContainerStatusUnknown", g.started))
	default:
		g.live(ctx)
	}
	select {
	case <-ctx.Done():
	case <-g.gone:
	case <-g.asked:
		g.finish(ctx)
	}
}

// live runs the process from its start to its end.
func (g *guest) live(ctx context.Context) {
	k := g.kubelet
	address := k.begins(g)
	g.started = metav1.Now()
	opened := make(chan struct{})
	go func() { // a port that opens late, most often before anybody is told the address
		defer close(opened)
		if k.chance(3) {
			time.Sleep(k.upTo(150 * time.Millisecond))
		}
		if k.chance(40) {
			time.Sleep(k.upTo(2 * time.Second))
		}
		if err := g.work.listen(net.JoinHostPort(address, podPort)); err != nil {
			k.fault("%s does not start: %v", g.work.identity, err)
		}
	}()
	if k.chance(5) {
		time.Sleep(k.upTo(300 * time.Millisecond))
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		g.report(ctx, runs(address, g.started))
	}()
	code, crashed := g.up(ctx)
	<-opened
	g.work.kill()
	k.ended(g, address, crashed)
	<-told // one word after the other
	if k.chance(5) {
		time.Sleep(k.upTo(time.Second)) // a kubelet that is late with its word
	}
	reason := "Error"
	if code == 0 {
		reason = "Completed"
	}
	g.report(ctx, terminated(code, reason, g.started))
}

// up waits for the end of the process.
func (g *guest) up(ctx context.Context) (code int32, crashed bool) {
	k := g.kubelet
	select {
	case <-ctx.Done():
	case code := <-g.crash:
		k.crashes.during(g.work.Key, g.work.kill)
		return code, true
	case <-g.work.done:
		g.work.terminate(time.Second)
		return 0, false
	case <-g.asked:
		grace := max(time.Duration(g.grace.Load()), time.Second)
		if k.chance(4) { // until it is killed; so long it serves whoever sends it something
			k.tally.add("pods deaf to SIGTERM", 1)
			time.Sleep(grace)
			return 137, false
		}
		g.work.terminate(grace)
	}
	return 0, false
}

// bind puts the pod on the node, and says whether it is there.
func (g *guest) bind(ctx context.Context) bool {
	pods := g.kubelet.api.CoreV1().Pods(g.ns)
	return g.persist(ctx, func() (bool, error) {
		pod, err := pods.Get(ctx, g.name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), err == nil && pod.UID != g.uid:
			return false, nil
		case err != nil:
			return false, err
		case pod.Spec.NodeName == nodeName:
			return true, nil
		case pod.DeletionTimestamp != nil:
			return false, nil
		}
		b := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: g.name, Namespace: g.ns, UID: g.uid}, Target: corev1.ObjectReference{Kind: "Node", Name: nodeName}}
		if err := pods.Bind(ctx, b, metav1.CreateOptions{}); err != nil {
			return false, err // by the next look it is bound, being deleted, or gone
		}
		return true, nil
	})
}

// report writes the status.
func (g *guest) report(ctx context.Context, status corev1.PodStatus) {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": g.uid}, "status": status})
	if err != nil {
		panic(err)
	}
	g.persist(ctx, func() (bool, error) {
		_, err := g.kubelet.api.CoreV1().Pods(g.ns).Patch(ctx, g.name, types.MergePatchType, body, metav1.PatchOptions{}, "status")
		return err == nil, settled(err)
	})
}

// finish takes the pod's object away, as far as finalizers let it.
func (g *guest) finish(ctx context.Context) {
	g.persist(ctx, func() (bool, error) {
		options := metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: &metav1.Preconditions{UID: &g.uid}}
		err := g.kubelet.api.CoreV1().Pods(g.ns).Delete(ctx, g.name, options)
		return err == nil, settled(err)
	})
}

// settled drops an error that says that the pod is not there any more.
func settled(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// persist does it until it is done, whatever becomes of the API server meanwhile.
func (g *guest) persist(ctx context.Context, what func() (bool, error)) bool {
	for ctx.Err() == nil {
		done, err := what()
		if err == nil {
			return done
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return false
}

func runs(address string, since metav1.Time) corev1.PodStatus {
	return corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: address, PodIPs: []corev1.PodIP{{IP: address}},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: container, Image: image, Ready: true,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: since}},
		}},
	}
}

func terminated(code int32, reason string, since metav1.Time) corev1.PodStatus {
	phase := corev1.PodSucceeded
	if code != 0 {
		phase = corev1.PodFailed
	}
	return corev1.PodStatus{
		Phase: phase,
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: container, Image: image,
			State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, StartedAt: since, FinishedAt: metav1.Now()}},
		}},
	}
}
