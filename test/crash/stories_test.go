package crash

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

type templates = []*v1alpha1.SessionTemplate

const (
	a = "chess.a"
	b = "chess.b"
)

// scenarios are all stories in which the operator is killed. Each ends when nothing moves any more: a session that nobody needs sleeps.
var scenarios = []scenario{
	{name: "wake and sleep", templates: templates{template("chess")}, acts: []act{request(a)}},
	{name: "wake of a session that a person made", templates: templates{template("chess")}, acts: []act{makes(a), request(a)}},
	{name: "sleep with save", templates: templates{template("chess", saved)}, acts: []act{
		request(a), request(a).onceIn(a, v1alpha1.PhaseAsleep),
	}},
	{name: "save that fails twice", templates: templates{template("chess", saved)}, failingSaves: 2, acts: []act{request(a)}},
	{name: "touch during drain", templates: templates{template("chess", saved)}, acts: []act{
		request(a), atOther(a).onceIn(a, v1alpha1.PhaseDraining),
	}},
	{name: "touch during save", templates: templates{template("chess", saved)}, acts: []act{request(a), atOther(a).onceSaving()}},
	{name: "touch during stop", templates: templates{template("chess", saved)}, acts: []act{
		request(a), atOther(a).onceIn(a, v1alpha1.PhaseStopping),
	}},
	{name: "request in flight when its session is idle", templates: templates{template("chess", saved)}, acts: []act{
		request(a), flies(a), lands(a).onceIn(a, v1alpha1.PhaseDraining),
	}},
	{name: "kubelet that does not finish", templates: templates{template("chess")}, slowKubelet: true, acts: []act{
		request(a), request(a).onceIn(a, v1alpha1.PhaseStopping),
	}},
	{name: "gateway that is gone", templates: templates{template("chess", saved)}, acts: []act{
		request(a), dies(1), request(a).onceIn(a, v1alpha1.PhaseAsleep),
	}},
	{name: "crash of the process", templates: templates{template("chess")}, life: lives(10*time.Second, 137, 139, 1), acts: []act{request(a)}},
	{name: "start that fails three times", templates: templates{template("chess")}, life: lives(0, 3, 3, 3), acts: []act{
		request(a), request(a).onceIn(a, v1alpha1.PhaseAsleep), request(a).onceIn(a, v1alpha1.PhaseAsleep), request(a).onceIn(a, v1alpha1.PhaseAsleep),
	}},
	{name: "image that cannot be pulled at first", templates: templates{template("chess")}, waits: untilServed("images"), acts: []act{
		request(a), mends("images").onceIn(a, v1alpha1.PhaseFailed), request(a).onceIn(a, v1alpha1.PhaseAsleep),
	}},
	{name: "no node", templates: templates{template("chess")}, acts: []act{lose("node-1"), lose("node-2"), request(a)}},
	{name: "good end by itself", templates: templates{template("chess")}, life: lives(10*time.Second, 0), acts: []act{
		request(a), request(a).onceIn(a, v1alpha1.PhaseAsleep),
	}},
	{name: "Permanent", templates: templates{template("chess", permanent)}, life: lives(10*time.Second, 0, 1), acts: []act{makes(a)}},
	{name: "Task whose outcome starts others", templates: workflow, life: worksThenExits, acts: []act{makes("create.a")}},
	{name: "Task whose follower fails", templates: workflow, life: machineFails, acts: []act{makes("create.a")}},
	{name: "delete while awake", templates: templates{template("chess", saved)}, acts: []act{
		request(a), remove(a).onceIn(a, v1alpha1.PhaseAwake),
	}},
	{name: "delete while asleep", templates: templates{template("chess")}, acts: []act{request(a), remove(a).onceIn(a, v1alpha1.PhaseAsleep)}},
	{name: "delete while it starts", templates: templates{template("chess")}, acts: []act{request(a), remove(a).oncePod(a)}},
	{name: "delete while it drains", templates: templates{template("chess", saved)}, acts: []act{
		request(a), remove(a).onceSaving(),
	}},
	{name: "delete and a request for the same key", templates: templates{template("chess")}, acts: []act{
		request(a), remove(a).onceIn(a, v1alpha1.PhaseAwake), request(a),
	}},
	{name: "delete by force, and a request for the same key", templates: templates{template("chess")}, acts: []act{
		request(a), strip(a).onceIn(a, v1alpha1.PhaseAwake), request(a),
	}},
	{name: "delete of the pod", templates: templates{template("chess")}, acts: []act{
		request(a), deletePod(a, 30).onceIn(a, v1alpha1.PhaseAwake), request(a),
	}},
	{name: "forced delete of the pod", templates: templates{template("chess")}, acts: []act{
		request(a), deletePod(a, 0).onceIn(a, v1alpha1.PhaseAwake), request(a),
	}},
	{name: "eviction by the node", templates: templates{template("chess")}, acts: []act{request(a), evict(a).onceIn(a, v1alpha1.PhaseAwake)}},
	{name: "node that is lost and then out of service", templates: templates{template("chess")}, acts: []act{
		request(a), lose("node-1").onceIn(a, v1alpha1.PhaseAwake), deletePod(a, 30), outOfService("node-1"), request(a),
	}},
	{name: "delete with a last session", templates: destroyed, life: onlyTasksExit, acts: []act{
		request(a), remove(a).onceIn(a, v1alpha1.PhaseAsleep),
	}},
	{name: "suspend and resume", templates: templates{template("chess", saved)}, acts: []act{
		request(a), suspend(a, true).onceIn(a, v1alpha1.PhaseAwake), suspend(a, false).onceIn(a, v1alpha1.PhaseAsleep), request(a),
	}},
	{name: "rollout by draining", templates: templates{template("chess", drained)}, acts: []act{
		request(a), request(b), changeImage.onceIn(b, v1alpha1.PhaseAwake), request(a), request(b),
	}},
	{name: "eviction of the one that is idle longest", templates: templates{template("chess", oneAwake(v1alpha1.FullEvictIdle))}, acts: []act{
		request(a), request(b).onceIn(a, v1alpha1.PhaseAwake),
	}},
	{name: "queue", templates: templates{template("chess", oneAwake(v1alpha1.FullQueue), idle(30*time.Second))}, acts: []act{
		request(a), request(b).onceIn(a, v1alpha1.PhaseAwake),
	}},
	{name: "delete of the one that waits in the queue", templates: templates{template("chess", oneAwake(v1alpha1.FullQueue))}, acts: []act{
		request(a), request(b).onceIn(a, v1alpha1.PhaseAwake), remove(b).onceIn(b, v1alpha1.PhaseQueued),
	}},
	{name: "refusal", templates: templates{template("chess", oneAwake(v1alpha1.FullReject))}, acts: []act{
		request(a), request(b).onceIn(a, v1alpha1.PhaseAwake), request(b).after(2 * time.Minute),
	}},
	{name: "volumes", templates: templates{template("chess", keeping("data", "cache"))}, acts: []act{
		request(a), request(a).onceIn(a, v1alpha1.PhaseAsleep), remove(a).after(2 * time.Minute),
	}},
	{name: "hibernate", templates: templates{template("chess", hibernating)}, acts: []act{
		request(a), request(a).onceIn(a, v1alpha1.PhaseHibernated),
	}},
	{name: "lifetimes", templates: templates{template("chess", lasting(90*time.Second, 10*time.Minute))}, acts: []act{
		request(a), request(a).after(50 * time.Second), request(a).after(50 * time.Second),
	}},
	{name: "template that goes and comes back", templates: templates{template("chess", saved)}, acts: []act{
		request(a), dropTemplate.onceIn(a, v1alpha1.PhaseAwake), request(a).onceIn(a, v1alpha1.PhaseAsleep), restoreTemplate, request(a),
	}},
}

var workflow = templates{
	template("create", task, func(t *v1alpha1.SessionTemplate) {
		t.Spec.Outcomes = []v1alpha1.Outcome{{ExitCodes: []int32{0}, Then: v1alpha1.OutcomeStart, Start: []v1alpha1.StartSpec{
			{Template: "machine"}, {Template: "record"}, {Template: "configure", After: "all"},
		}}}
	}),
	template("machine", task, func(t *v1alpha1.SessionTemplate) {
		t.Spec.Outcomes = []v1alpha1.Outcome{{ExitCodes: []int32{5}, Then: v1alpha1.OutcomeFail}}
	}), template("record", task), template("configure", task),
}

var destroyed = templates{
	template("chess", func(t *v1alpha1.SessionTemplate) {
		t.Spec.OnDelete = &v1alpha1.OnDeleteSpec{Start: []v1alpha1.StartSpec{{Template: "destroy"}}}
	}),
	template("destroy", task),
}

func onlyTasksExit(labels map[string]string, _ int) (time.Duration, int32, bool) {
	return 10 * time.Second, 0, labels[v1alpha1.LabelTemplate] == "destroy"
}

func worksThenExits(map[string]string, int) (time.Duration, int32, bool) {
	return 10 * time.Second, 0, true
}

func machineFails(labels map[string]string, _ int) (time.Duration, int32, bool) {
	if labels[v1alpha1.LabelTemplate] == "machine" {
		return 10 * time.Second, 5, true
	}
	return 10 * time.Second, 0, true
}

// lives has the first processes of a session live so long, and exit with these codes.
func lives(long time.Duration, codes ...int32) func(map[string]string, int) (time.Duration, int32, bool) {
	return func(_ map[string]string, before int) (time.Duration, int32, bool) {
		if before < len(codes) {
			return long, codes[before], true
		}
		return 0, 0, false
	}
}

func untilServed(what string) func(*world, *corev1.Pod) bool {
	return func(w *world, _ *corev1.Pod) bool { return !w.mended[what] }
}

func permanent(t *v1alpha1.SessionTemplate) { t.Spec.Restart.Policy = v1alpha1.RestartPermanent }

func drained(t *v1alpha1.SessionTemplate) { t.Spec.Rollout = v1alpha1.RolloutDrain }

func task(t *v1alpha1.SessionTemplate) {
	t.Spec.Mode, t.Spec.Port = v1alpha1.ModeTask, intstr.IntOrString{}
}

func idle(after time.Duration) option {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Idle.After.Duration = after }
}

func oneAwake(whenFull v1alpha1.FullPolicy) option {
	return func(t *v1alpha1.SessionTemplate) {
		t.Spec.Limits.Awake, t.Spec.Limits.WhenFull = ptr.To(int32(1)), whenFull
	}
}

func keeping(names ...string) option {
	return func(t *v1alpha1.SessionTemplate) {
		for _, name := range names {
			c := v1alpha1.VolumeClaimTemplate{Metadata: v1alpha1.VolumeClaimMetadata{Name: name}}
			c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
			c.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}
			t.Spec.VolumeClaimTemplates = append(t.Spec.VolumeClaimTemplates, c)
		}
	}
}

func hibernating(t *v1alpha1.SessionTemplate) {
	t.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
	t.Spec.Hibernate = &v1alpha1.HibernateSpec{After: metav1.Duration{Duration: 30 * time.Second}}
	t.Spec.Hibernate.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m")}
}

func lasting(awake, asleep time.Duration) option {
	return func(t *v1alpha1.SessionTemplate) {
		t.Spec.Lifetime = v1alpha1.LifetimeSpec{Awake: &metav1.Duration{Duration: awake}, Asleep: &metav1.Duration{Duration: asleep}}
	}
}

func makes(name string) act {
	return act{name: "a person makes " + name, do: func(w *world) { w.create(name, nil) }}
}

func remove(name string) act {
	return act{name: "delete of " + name, do: func(w *world) {
		w.must(client.IgnoreNotFound(w.api.Delete(context.Background(), &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}})))
	}}
}

// strip removes a session against its finalizer.
func strip(name string) act {
	return act{name: "delete by force of " + name, do: func(w *world) {
		if s := w.session(name); s != nil {
			s.Finalizers = nil
			w.must(w.api.Update(context.Background(), s))
			w.must(w.api.Delete(context.Background(), s))
		}
	}}
}

func deletePod(name string, grace int64) act {
	return act{name: "delete of the pod of " + name, do: func(w *world) {
		if pod := w.pod(name); pod != nil {
			w.must(w.api.Delete(context.Background(), pod, client.GracePeriodSeconds(grace)))
		}
	}}
}

func evict(name string) act {
	return act{name: "eviction of the pod of " + name, do: func(w *world) {
		if p := w.processOf(name); p != nil {
			p.runs, p.interrupted, p.code = false, true, 137
		}
	}}
}

func crash(name string) act {
	return act{name: "crash of the process of " + name, do: func(w *world) {
		if p := w.processOf(name); p != nil {
			p.runs, p.code = false, 139
		}
	}}
}

// processOf is what runs in the pod of that name, nil if nothing does.
func (w *world) processOf(name string) *process {
	pod := w.pod(name)
	if pod == nil || w.processes[pod.UID] == nil || !w.processes[pod.UID].runs {
		return nil
	}
	return w.processes[pod.UID]
}

func flies(name string) act {
	return act{name: "long request for " + name, do: func(w *world) { w.gateways[0].fly(name) }}
}

func lands(name string) act {
	return act{name: "its answer", do: func(w *world) { w.gateways[0].land(name) }}
}

func dies(gateway int) act {
	return act{name: "end of a gateway", do: func(w *world) { w.gateways[gateway].dies() }}
}

func mends(what string) act {
	return act{name: what + " are there", do: func(w *world) { w.mended[what] = true }}
}

func lose(node string) act {
	return act{name: node + " is lost", do: func(w *world) { w.lost[node] = true }}
}

func outOfService(name string) act {
	return act{name: name + " is out of service", do: func(w *world) {
		w.lost[name] = true
		for _, p := range w.processes {
			p.runs = p.runs && p.node != name // somebody has seen to that
		}
		node := &corev1.Node{}
		w.must(w.api.Get(context.Background(), client.ObjectKey{Name: name}, node))
		node.Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeOutOfService, Effect: corev1.TaintEffectNoExecute}}
		w.must(w.api.Update(context.Background(), node))
		for _, pod := range w.pods() { // as the taint's effect is
			if pod.Spec.NodeName == name {
				w.must(w.api.Delete(context.Background(), &pod))
			}
		}
	}}
}

func suspend(name string, so bool) act {
	return act{name: "suspend " + name, do: func(w *world) {
		s := w.session(name)
		if s == nil {
			return
		}
		s.Spec.Suspend = so
		w.must(w.api.Update(context.Background(), s))
	}}
}

func (w *world) template() *v1alpha1.SessionTemplate {
	t := &v1alpha1.SessionTemplate{}
	w.must(w.api.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: w.script.templates[0].Name}, t))
	return t
}

var changeImage = act{name: "another image", do: func(w *world) {
	t := w.template()
	t.Spec.Template.Spec.Containers[0].Image += "-next"
	w.must(w.api.Update(context.Background(), t))
}}

var dropTemplate = act{name: "delete of the template", do: func(w *world) { w.must(w.api.Delete(context.Background(), w.template())) }}

var restoreTemplate = act{name: "the template comes back", do: func(w *world) {
	t := template("chess", saved)
	t.Namespace = w.namespace
	w.must(w.api.Create(context.Background(), t))
}}
