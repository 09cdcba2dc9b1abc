package session

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/podspec"
	"github.com/dormouse-dev/dormouse/internal/savehook"
)

// act makes the one change that a step asks for, once its report is written.
func (r *Reconciler) act(ctx context.Context, w *world, step lifecycle.Step) error {
	if !r.place(w, step) {
		return movedOn("a limit was reached in between")
	}
	switch step.Verb {
	case lifecycle.Protect:
		return r.protect(ctx, w.session)
	case lifecycle.Create:
		return r.create(ctx, w)
	case lifecycle.Stop, lifecycle.Fail:
		return r.stop(ctx, w)
	case lifecycle.Delete, lifecycle.Release:
		return r.discard(ctx, w, step)
	case lifecycle.Shrink, lifecycle.Grow:
		return r.resize(ctx, w, step)
	case lifecycle.Save, lifecycle.Flush, lifecycle.Record:
		r.hook(w, step)
	}
	return r.actOnSessions(ctx, w, step)
}

// hook begins a save, or forgets the saves of a pod that has ended.
func (r *Reconciler) hook(w *world, step lifecycle.Step) {
	if callsHook(step) {
		r.Hooks.Begin(client.ObjectKeyFromObject(w.session), saveOf(w, step))
		return
	}
	r.Hooks.Forget(client.ObjectKeyFromObject(w.session))
}

// actOnSessions makes the change that a step asks for of Sessions: this one, or those that follow from it.
func (r *Reconciler) actOnSessions(ctx context.Context, w *world, step lifecycle.Step) error {
	switch step.Verb {
	case lifecycle.Forget:
		return r.letGo(ctx, w.session)
	case lifecycle.Expire:
		return r.expire(ctx, w.session)
	case lifecycle.Clear:
		return r.clear(ctx, w)
	case lifecycle.Start:
		if w.session.DeletionTimestamp != nil {
			return r.startLast(ctx, w)
		}
		return r.start(ctx, w)
	}
	return nil
}

// movedOn is an error that has the turn taken again at once, like any other conflict.
func movedOn(why string) error {
	return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("sessions").GroupResource(), "", fmt.Errorf("%s", why))
}

// protect puts our finalizer on the session, before its first pod. The record of who wrote which field goes with it, unless
// somebody needs it for server-side apply: it is two thirds of a session's bytes, and a quarter of the time of each write.
func (r *Reconciler) protect(ctx context.Context, s *v1alpha1.Session) error {
	return r.finalize(ctx, s, func(o client.Object, finalizer string) bool {
		if !applied(o) {
			o.SetManagedFields([]metav1.ManagedFieldsEntry{{}})
		}
		return controllerutil.AddFinalizer(o, finalizer)
	})
}

// applied says whether somebody has applied an object server-side, and may do so again.
func applied(o client.Object) bool {
	return slices.ContainsFunc(o.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool {
		return e.Operation == metav1.ManagedFieldsOperationApply
	})
}

// letGo takes it off, after its last. That there is none any more is asked of the API server itself: a cache may not have heard yet of
// one that was made just before.
func (r *Reconciler) letGo(ctx context.Context, s *v1alpha1.Session) error {
	pod := &corev1.Pod{}
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(s), pod)
	switch {
	case err == nil && metav1.IsControlledBy(pod, s):
		return movedOn("the session has a pod")
	case client.IgnoreNotFound(err) != nil:
		return fmt.Errorf("look for a pod: %w", err)
	}
	return r.unlessGone(ctx, s, r.finalize(ctx, s, controllerutil.RemoveFinalizer))
}

// expire deletes a session whose lifetime is over, or that was made beyond its limit, as it was seen: a touch that came meanwhile wins.
func (r *Reconciler) expire(ctx context.Context, s *v1alpha1.Session) error {
	return r.unlessGone(ctx, s, r.Client.Delete(ctx, s, client.Preconditions{UID: ptr.To(s.UID), ResourceVersion: ptr.To(s.ResourceVersion)}))
}

func (r *Reconciler) finalize(ctx context.Context, o client.Object, change func(client.Object, string) bool) error {
	next := o.DeepCopyObject().(client.Object)
	if !change(next, v1alpha1.Finalizer) {
		return nil
	}
	patch := client.MergeFromWithOptions(o, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, next, patch, client.FieldOwner(v1alpha1.OwnerOperator)); err != nil {
		return fmt.Errorf("change the finalizer: %w", err)
	}
	return nil
}

// create makes the session's next pod, once its volume claims are there, in the operator's own view of the session. One that is
// late makes a pod of an epoch that was; it is not published, for that is refused to whoever is late, and it is ended as a leftover.
func (r *Reconciler) create(ctx context.Context, w *world) error {
	pod := podspec.For(w.template, w.session, w.session.Status.Epoch+1)
	podspec.AddSelfCalls(pod, w.template, r.API)
	if err := r.provide(ctx, w, pod); err != nil {
		return err
	}
	err := r.Client.Create(ctx, pod, client.FieldOwner(v1alpha1.OwnerOperator))
	switch {
	case apierrors.IsAlreadyExists(err):
		return r.taken(ctx, w)
	case rejected(err):
		w.memory.refused = &refusal{lifecycle.ReasonPodRejected, err.Error()}
		return movedOn("the pod was rejected")
	case err != nil:
		return fmt.Errorf("create pod: %w", err)
	}
	return nil
}

// rejected says whether the API server will not have what was to be made, however often it is tried.
func rejected(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err)
}

// taken looks at the pod that has the name already. One of ours is news that the cache has not heard yet.
func (r *Reconciler) taken(ctx context.Context, w *world) error {
	pod := &corev1.Pod{}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(w.session), pod); err != nil {
		return client.IgnoreNotFound(err)
	}
	if _, ours := podspec.Epoch(pod); ours {
		return nil
	}
	w.memory.refused = &refusal{lifecycle.ReasonPodNameTaken, "pod " + pod.Name + " is not a session's: delete or rename it"}
	return movedOn("the pod's name is taken")
}

// stop asks the pod to stop, and only once: our own report comes back before the pod's deletion does.
func (r *Reconciler) stop(ctx context.Context, w *world) error {
	w.memory.refused = nil
	if w.pod == nil || w.memory.stopped == w.pod.UID {
		return nil
	}
	if err := r.delete(ctx, w.pod); err != nil {
		return err
	}
	w.memory.stopped = w.pod.UID
	return nil
}

// delete asks the pod to stop, that very pod. It is not there any more, or another: that is no error.
func (r *Reconciler) delete(ctx context.Context, pod *corev1.Pod, opts ...client.DeleteOption) error {
	opts = append(opts, client.Preconditions{UID: ptr.To(pod.UID)})
	if err := r.unlessGone(ctx, pod, r.Client.Delete(ctx, pod, opts...)); err != nil {
		return fmt.Errorf("delete pod: %w", err)
	}
	return nil
}

// unlessGone is no error if what could not be written is not there any more, or another of its name is. An answer that only seems to
// say so (of an API server that does not serve the kind for now, of a webhook) is one: nothing more would be heard of the object,
// and it would be left as it is.
func (r *Reconciler) unlessGone(ctx context.Context, o client.Object, err error) error {
	if !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return err
	}
	now := o.DeepCopyObject().(client.Object)
	look := r.Live.Get(ctx, client.ObjectKeyFromObject(o), now)
	switch {
	case apierrors.IsNotFound(look), look == nil && now.GetUID() != o.GetUID():
		return nil
	case look != nil:
		return fmt.Errorf("look whether it is gone: %w", look)
	}
	return err
}

// release takes our finalizer off a pod that has ended, and finishes its deletion if its kubelet has not: a node that vanishes
// just then would block the name for ever.
func (r *Reconciler) release(ctx context.Context, pod *corev1.Pod) error {
	finished := pod.DeletionTimestamp != nil && *pod.DeletionGracePeriodSeconds == 0
	if err := r.finalize(ctx, pod, controllerutil.RemoveFinalizer); err != nil {
		return r.unlessGone(ctx, pod, err)
	}
	if finished {
		return nil
	}
	return r.delete(ctx, pod, client.GracePeriodSeconds(0))
}

// callsHook says whether a step calls the save hook.
func callsHook(step lifecycle.Step) bool {
	return step.Verb == lifecycle.Save || step.Verb == lifecycle.Flush
}

// saveOf is the save that is needed now.
func saveOf(w *world, step lifecycle.Step) savehook.Save {
	port, _ := podspec.PortOf(w.pod)
	path, timeout, _ := podspec.SaveOf(w.pod)
	at := url.URL{Scheme: "http", Host: net.JoinHostPort(w.pod.Status.PodIP, strconv.Itoa(int(port)))}
	save := savehook.Save{
		For:     occasionOf(w.session),
		URL:     at.String() + path,
		Header:  http.Header{v1alpha1.HeaderKey: {url.PathEscape(w.session.Spec.Key)}, v1alpha1.HeaderEpoch: {strconv.FormatInt(w.session.Status.Epoch, 10)}},
		Timeout: timeout,
		H2C:     podspec.ProtocolOf(w.pod) == v1alpha1.ProtocolH2C,
	}
	if step.Verb == lifecycle.Flush {
		save.Turn = w.session.Namespace + "/" + w.session.Spec.Template
	}
	return save
}
