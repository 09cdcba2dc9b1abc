package crash

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// scenario is what the world does, whatever the operator does.
type scenario struct {
	name         string
	templates    []*v1alpha1.SessionTemplate
	acts         []act
	failingSaves int  // the first so many
	slowKubelet  bool // it does not finish the delete of a pod
	replicas     bool // the gateways are real ones, and the faults are theirs
	demand       int  // touches and creates that it costs undisturbed, at most, where that is left to chance
	// life says how long a process lives by itself, and its exit code, given the labels of its pod and how many of its session have ended
	// by themselves before. Nil, and not ok: for ever.
	life func(labels map[string]string, before int) (after time.Duration, code int32, ok bool)
	// waits says whether a container cannot be started.
	waits func(w *world, pod *corev1.Pod) bool
	// mutate leaves out a rule of an operator.
	mutate func(*operator)
	// mutateRun leaves out a rule of a real gateway.
	mutateRun func(*run, client.WithWatch) client.WithWatch
}

// act is one thing that the world does, when its moment has come.
type act struct {
	name string
	when func(*world) bool // nil: when nothing is left to do now
	wait time.Duration     // if not 0: how long after the act before
	do   func(*world)
}

func request(name string) act {
	return act{name: "request for " + name, do: func(w *world) { w.gateways[0].request(name) }}
}

func atOther(name string) act {
	return act{name: "request for " + name + " at the other gateway", do: func(w *world) { w.gateways[1].request(name) }}
}

func (a act) onceIn(name string, phase v1alpha1.SessionPhase) act {
	a.when = func(w *world) bool { s := w.session(name); return s != nil && s.Status.Phase == phase }
	return a
}

func (a act) onceSaving() act {
	a.when = func(w *world) bool { return w.saving > 0 }
	return a
}

type option func(*v1alpha1.SessionTemplate)

// template is one that idles after a minute.
func template(name string, options ...option) *v1alpha1.SessionTemplate {
	t := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	t.Spec.Mode = v1alpha1.ModeOnDemand
	t.Spec.Idle.After = &metav1.Duration{Duration: time.Minute}
	t.Spec.Port = intstr.FromInt32(8080)
	t.Spec.Template.Spec.Containers = []corev1.Container{{Name: "table", Image: "localhost/table"}}
	for _, o := range options {
		o(t)
	}
	return t
}

func saved(t *v1alpha1.SessionTemplate) { t.Spec.Save = &v1alpha1.SaveSpec{Path: "/save"} }

func gatewayPod(namespace, name string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	pod.Spec.Containers = []corev1.Container{{Name: v1alpha1.ComponentGateway, Image: "localhost/gateway"}}
	return pod
}

func (a act) oncePod(name string) act {
	a.when = func(w *world) bool { return w.pod(name) != nil }
	return a
}

// after is so long after the act before it.
func (a act) after(d time.Duration) act {
	a.wait = d
	return a
}
