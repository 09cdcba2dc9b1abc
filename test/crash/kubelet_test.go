package crash

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// stopTime is how long a process takes to end when it is asked to, and saveTime how long it takes to save.
const (
	stopTime = 700 * time.Millisecond
	saveTime = 300 * time.Millisecond
)

// process is what runs in a pod, whatever the pod's object says.
type process struct {
	key         client.ObjectKey
	uid         types.UID
	node, ip    string
	runs        bool
	saves       bool // it has a save hook
	endsAt      time.Time
	code        int32
	asked       bool // to stop
	acked       int  // requests whose answer was sent
	saved       int  // of them, those whose effect is in the last save
	interrupted bool
}

// kubelet makes the next move of scheduler and kubelets, if there is one.
func (w *world) kubelet() bool {
	for _, p := range w.processes {
		if p.runs && !p.endsAt.IsZero() && !p.endsAt.After(w.now()) {
			p.runs = false
			if !p.asked {
				w.ended[p.key]++
			}
			w.note("process of %s ends (%s)", p.key.Name, p.uid)
			return true
		}
	}
	for _, pod := range w.pods() {
		if w.tend(&pod) {
			return true
		}
	}
	return false
}

func (w *world) tend(pod *corev1.Pod) bool {
	p := w.processes[pod.UID]
	switch {
	case pod.Spec.NodeName == "":
		return w.bind(pod)
	case w.lost[pod.Spec.NodeName]:
		return false
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		return w.finish(pod, p)
	case p != nil && !p.runs, p == nil && pod.DeletionTimestamp != nil:
		w.reportEnd(pod, p)
		return true
	case pod.DeletionTimestamp != nil:
		return w.ends(p)
	case p == nil:
		return w.start(pod)
	}
	return false
}

func (w *world) bind(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	node := "node-1"
	if w.lost[node] {
		node = "node-2"
	}
	if w.lost[node] {
		return false
	}
	w.must(w.api.SubResource("binding").Create(context.Background(), pod, &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: node}}))
	return true
}

func (w *world) start(pod *corev1.Pod) bool {
	key := client.ObjectKeyFromObject(pod)
	if waits := w.script.waits; waits != nil && waits(w, pod) {
		if len(pod.Status.ContainerStatuses) > 0 {
			return false
		}
		w.report(pod, corev1.PodPending, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}})
		return true
	}
	for _, other := range w.processes {
		if other.key == key && other.runs {
			w.laws.breaks("I2: a process of %s starts beside %s", pod.UID, other.uid)
		}
	}
	n := len(w.processes) + 1
	p := &process{key: key, uid: pod.UID, node: pod.Spec.NodeName, runs: true, ip: fmt.Sprintf("127.1.%d.%d", n/250, n%250+1)}
	_, _, p.saves = podspec.SaveOf(pod)
	if life := w.script.life; life != nil {
		if after, code, ok := life(pod.Labels, w.ended[key]); ok {
			p.endsAt, p.code = w.now().Add(after), code
		}
	}
	w.processes[pod.UID] = p
	w.note("process of %s starts (%s)", key.Name, pod.UID)
	pod.Status.PodIP, pod.Status.PodIPs = p.ip, []corev1.PodIP{{IP: p.ip}}
	w.report(pod, corev1.PodRunning, corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})
	return true
}

func (w *world) report(pod *corev1.Pod, phase corev1.PodPhase, state corev1.ContainerState) {
	pod.Status.Phase = phase
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: pod.Spec.Containers[0].Name, State: state, Resources: pod.Spec.Containers[0].Resources.DeepCopy(),
	}}
	w.must(w.api.Status().Update(context.Background(), pod))
}

// ends asks a process to end, once.
func (w *world) ends(p *process) bool {
	if p.asked {
		return false
	}
	p.asked, p.code, p.endsAt = true, 0, w.now().Add(stopTime)
	return true
}

func (w *world) reportEnd(pod *corev1.Pod, p *process) {
	state, phase := corev1.ContainerState{}, corev1.PodFailed
	if p != nil {
		state.Terminated = &corev1.ContainerStateTerminated{ExitCode: p.code, Reason: "Error", FinishedAt: metav1.NewTime(w.now())}
		if p.code == 0 {
			phase, state.Terminated.Reason = corev1.PodSucceeded, "Completed"
		}
		if p.interrupted {
			pod.Status.Reason = "Evicted"
		}
	}
	w.report(pod, phase, state)
}

// finish finishes the delete of a pod that has ended.
func (w *world) finish(pod *corev1.Pod, p *process) bool {
	if p != nil && p.runs { // somebody else has written the phase
		if pod.DeletionTimestamp != nil {
			return w.ends(p)
		}
		return false
	}
	if p != nil && len(pod.Status.ContainerStatuses) > 0 && pod.Status.ContainerStatuses[0].State.Running != nil {
		w.reportEnd(pod, p)
		return true
	}
	if pod.DeletionTimestamp == nil || *pod.DeletionGracePeriodSeconds == 0 || w.script.slowKubelet {
		return false
	}
	zero, uid := int64(0), pod.UID
	w.must(w.api.Delete(context.Background(), pod, &client.DeleteOptions{GracePeriodSeconds: &zero, Preconditions: &metav1.Preconditions{UID: &uid}}))
	return true
}

// RoundTrip is the save hook of the process that has the address.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	p := w.beginSave(r.URL.Hostname())
	if p == nil {
		return nil, errRefused
	}
	acked := p.acked
	save := time.NewTimer(saveTime)
	defer save.Stop()
	select {
	case <-save.C:
	case <-r.Context().Done():
	}
	return w.endSave(p, acked, r.Context().Err())
}

var errRefused = errors.New("connection refused")

func (w *world) beginSave(address string) *process {
	defer w.take()()
	for _, p := range w.processes {
		if p.ip == address && p.runs {
			w.saving++
			w.note("save of %s begins", p.uid)
			w.poke()
			return p
		}
	}
	return nil
}

func (w *world) endSave(p *process, acked int, brokenOff error) (*http.Response, error) {
	defer w.take()()
	w.saving--
	switch {
	case brokenOff != nil:
		return nil, brokenOff
	case !p.runs:
		return nil, errRefused
	case w.failedSaves < w.script.failingSaves:
		w.failedSaves++
		return &http.Response{StatusCode: http.StatusInternalServerError, Body: http.NoBody}, nil
	}
	w.note("save of %s ends", p.uid)
	p.saved = acked
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
}
