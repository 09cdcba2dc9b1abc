package session

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/internal/lifecycle"
)

// hasEnded says whether no process of the pod can be running.
func hasEnded(pod *corev1.Pod, nodeGone bool) bool { return evidence(pod, nodeGone) != "" }

// evidence is what says that no process of a pod can be running, in the words of the API; empty if nothing does. Phase alone proves
// nothing: the pod garbage collector writes it without a word from the kubelet.
func evidence(pod *corev1.Pod, nodeGone bool) string {
	terminal := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	switch {
	case terminal && !reportedRunning(pod):
		return "Kubelet"
	case pod.DeletionTimestamp == nil:
		return ""
	case pod.Spec.NodeName == "":
		return "NeverBound"
	case nodeGone:
		return "NodeLost"
	}
	return ""
}

func reportedRunning(pod *corev1.Pod) bool {
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses} {
		for i := range statuses {
			if statuses[i].State.Running != nil {
				return true
			}
		}
	}
	return false
}

// exit is how a pod ended.
type exit struct {
	kind       lifecycle.Exit
	reason     string
	code       *int32
	signal     *int32
	message    string
	start, end *metav1.Time
}

// exitOf reads how an ended pod ended: from the container that ended it, or from what Kubernetes says of the pod.
func exitOf(pod *corev1.Pod) exit {
	e := exit{kind: lifecycle.ExitAbnormal, reason: orElse(pod.Status.Reason, "Error"), message: pod.Status.Message}
	if last := endedBy(pod); last != nil {
		e = exit{
			kind: kindOf(last), reason: last.Reason, code: &last.ExitCode, signal: signalOf(last),
			message: orElse(lastLine(last.Message), pod.Status.Message), start: timeOf(last.StartedAt), end: timeOf(last.FinishedAt),
		}
	}
	if why := interruption(pod); why != "" {
		e.kind, e.reason = lifecycle.ExitInterrupted, why
	}
	return e
}

// signalOf is the signal that ended a container, by its exit code: a shell's way to say so, and the kubelet's.
func signalOf(last *corev1.ContainerStateTerminated) *int32 {
	const killed, most = 128, 64
	if signal := last.ExitCode - killed; signal > 0 && signal <= most {
		return &signal
	}
	return nil
}

func timeOf(t metav1.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func kindOf(last *corev1.ContainerStateTerminated) lifecycle.Exit {
	switch {
	case last.ExitCode == 0:
		return lifecycle.ExitNormal
	case last.Reason != "OOMKilled" && (last.ExitCode == 128+9 || last.ExitCode == 128+15):
		return lifecycle.ExitKilled
	}
	return lifecycle.ExitAbnormal
}

// deleted is why a pod ended that somebody deleted, whoever it was.
const deleted = "Deleted"

// interruption is why Kubernetes took the pod, if it did.
func interruption(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return c.Reason
		}
	}
	switch {
	case pod.Status.Reason == "Evicted" || pod.Status.Reason == "NodeShutdown" || pod.Status.Reason == "Preempting":
		return pod.Status.Reason
	case pod.DeletionTimestamp != nil:
		return deleted
	}
	return ""
}

// endedBy is the container whose end ended the pod: the first that failed, else the last of all.
func endedBy(pod *corev1.Pod) (last *corev1.ContainerStateTerminated) {
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			t := statuses[i].State.Terminated
			if t == nil {
				continue
			}
			if last = t; t.ExitCode != 0 {
				return last
			}
		}
	}
	return last
}

// fatal are the reasons for which a container waits that waiting does not cure, and what we call them. The kubelet would try
// again after 10 s and more; whoever waits is told now instead, and our own back-off tries again sooner.
var fatal = map[string]lifecycle.Reason{
	"ErrImagePull":               lifecycle.ReasonImagePullBackOff,
	"ImagePullBackOff":           lifecycle.ReasonImagePullBackOff,
	"ErrImageNeverPull":          lifecycle.ReasonImagePullBackOff,
	"InvalidImageName":           lifecycle.ReasonImagePullBackOff,
	"CreateContainerConfigError": lifecycle.ReasonStartFailed,
	"CreateContainerError":       lifecycle.ReasonStartFailed,
	"RunContainerError":          lifecycle.ReasonStartFailed,
}

// troubleOf says why a pod does not start, as far as the kubelet or the scheduler have said it.
func troubleOf(pod *corev1.Pod) lifecycle.Trouble {
	trouble, _ := explainTrouble(pod)
	return trouble
}

func explainTrouble(pod *corev1.Pod) (lifecycle.Trouble, string) {
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			if w := statuses[i].State.Waiting; w != nil && fatal[w.Reason] != "" {
				return lifecycle.Trouble{Reason: fatal[w.Reason], Fatal: true}, strings.TrimPrefix(w.Message, w.Reason+": ")
			}
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return lifecycle.Trouble{Reason: lifecycle.ReasonUnschedulable}, c.Message
		}
	}
	return lifecycle.Trouble{}, ""
}

// lastLine is the last line that says something.
func lastLine(words string) string {
	words = strings.TrimSpace(words)
	return strings.TrimSpace(words[strings.LastIndex(words, "\n")+1:])
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
