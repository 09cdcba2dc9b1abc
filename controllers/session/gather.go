package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/census"
	"github.com/dormouse-dev/dormouse/internal/key"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/savehook"
	"github.com/dormouse-dev/dormouse/internal/slots"
)

// world is all that was gathered about one session: the objects as they are, and what this operator knows besides.
type world struct {
	now      time.Time
	session  *v1alpha1.Session
	template *v1alpha1.SessionTemplate // nil: there is none
	pod      *corev1.Pod               // nil: there is none
	nodeGone bool                      // the pod's node is gone or out of service
	memory   *memory
	misnamed bool
	sight    bool
	lagging  string // a gateway that has not seen the unpublish; empty if none is known
	saved    savehook.State
	place    slots.Answer
	beyond   string // the limit on the number of sessions that it is beyond; empty: none
	outdated bool   // its pod is of an older template, which wants that to end
	rollOut  bool   // and it is its turn to get the next one
	starts   lifecycle.Starts
	started  []v1alpha1.StartedSession // as they are now
	last     []*v1alpha1.Session       // of a deleted session: those of its last ones that are there
}

// gather reads the session and its pod from the given reader, and asks the rest of what the operator knows. It gives nil for a
// session that is gone, with its pod.
func (r *Reconciler) gather(ctx context.Context, name types.NamespacedName, from client.Reader) (*world, error) {
	w := &world{now: r.Now(), session: &v1alpha1.Session{}}
	err := from.Get(ctx, name, w.session)
	if apierrors.IsNotFound(err) {
		w.session, err = r.left(ctx, name, from)
	}
	if err != nil {
		return nil, fmt.Errorf("get session: %w", err)
	}
	if w.session == nil {
		r.forget(name)
		return nil, nil
	}
	if w.template, err = r.templateOf(ctx, w.session); err != nil {
		return nil, err
	}
	if w.pod, err = r.podOf(ctx, from, w.session); err != nil {
		return nil, err
	}
	if w.nodeGone, err = r.nodeGone(ctx, w.pod); err != nil {
		return nil, err
	}
	if err := r.askAll(ctx, w); err != nil {
		return nil, err
	}
	want, err := key.Name(w.session.Spec.Template, w.session.Spec.Key)
	w.misnamed = err != nil || want != w.session.Name
	w.outdated = outdated(w)
	w.rollOut = r.mayRollOut(w)
	if err := r.lookAfter(ctx, w); err != nil {
		return nil, err
	}
	w.memory = r.memories.of(w)
	r.ask(w)
	return w, nil
}

// ask asks the save hook, and the gateways about a drain; nobody else is asked about a session that is in none.
func (r *Reconciler) ask(w *world) {
	s := w.session
	w.saved = r.Hooks.State(client.ObjectKeyFromObject(s), occasionOf(s))
	if s.Status.Drain == nil || s.Status.Pod == nil || s.Status.Phase == v1alpha1.PhaseStopping {
		r.Sight.Forget(s.UID)
		return
	}
	// A gateway that has passed the version of the unpublish starts nothing more until the next publication: what is reported
	// meanwhile makes a new version, and no new question.
	w.sight = r.Sight.Passed(s.UID, client.ObjectKeyFromObject(s), w.memory.unpublished)
	w.lagging = r.Sight.Lagging(s.UID)
}

// left stands for a session that is not found while a pod of it is: somebody took the session's finalizer off, or a former leader
// made the pod after the end. It is a session that is being deleted, so that its pod is ended and released.
func (r *Reconciler) left(ctx context.Context, name types.NamespacedName, from client.Reader) (*v1alpha1.Session, error) {
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name, DeletionTimestamp: ptr.To(metav1.NewTime(r.Now()))}}
	pod, err := r.podOf(ctx, from, s)
	if err != nil || pod == nil {
		return nil, err
	}
	s.Spec.Template, s.Spec.Tenant = pod.Labels[v1alpha1.LabelTemplate], pod.Labels[v1alpha1.LabelTenant]
	err = r.Live.Get(ctx, name, &v1alpha1.Session{}) // a cache may not have heard of it yet
	if err == nil {
		return nil, movedOn("the session is there")
	}
	return s, client.IgnoreNotFound(err)
}

// forget drops all that is known of a session that is gone. What is kept by its template is found by its name, for a template's name holds
// no dot: the session's memory may have ended before, with its pod, in a turn that could not report the end of a Session that was gone.
func (r *Reconciler) forget(name types.NamespacedName) {
	template, _, _ := strings.Cut(name.Name, ".")
	of := slots.ID{Namespace: name.Namespace, Name: template}
	r.Slots.Free(of, slots.ID(name))
	r.Rollouts.Free(of, slots.ID(name))
	r.Census.Gone(census.ID(of), name.Name)
	r.Hooks.Forget(name)
	if uid, ok := r.memories.forget(name); ok {
		r.Sight.Forget(uid)
	}
}

func (r *Reconciler) templateOf(ctx context.Context, s *v1alpha1.Session) (*v1alpha1.SessionTemplate, error) {
	t := &v1alpha1.SessionTemplate{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: s.Spec.Template}, t)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get template: %w", err)
	}
	return t, nil
}
