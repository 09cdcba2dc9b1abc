package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	contract "github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
)

// Pods is what the Session API asks of the cluster for a pod that calls. A session's pod has the session's name.
type Pods struct {
	sessions *Sessions
	reviews  *reviews
}

var _ sessionapi.Pods = (*Pods)(nil)

// Pods gives what the calls of pods need of this gateway's part in the cluster.
func (g *Gateway) Pods() *Pods {
	s := g.Sessions()
	return &Pods{sessions: s, reviews: newReviews(s.client, s.waker.now)}
}

// Pod says whose token it is.
func (p *Pods) Pod(ctx context.Context, token string, from netip.Addr) (sessionapi.Pod, error) {
	return p.reviews.pod(ctx, token, from)
}

// Self is the pod's session.
func (p *Pods) Self(ctx context.Context, pod sessionapi.Pod) (contract.Session, error) {
	s, _, err := p.find(ctx, pod)
	if err != nil {
		return contract.Session{}, err
	}
	return told(s), nil
}

// Busy says that the pod is busy from now on.
func (p *Pods) Busy(ctx context.Context, pod sessionapi.Pod, d time.Duration) error {
	return p.say(ctx, pod, directory.Word{Busy: &d})
}

// Rest says that the pod is not busy, and idle as soon as nobody is there.
func (p *Pods) Rest(ctx context.Context, pod sessionapi.Pod) error {
	return p.say(ctx, pod, directory.Word{IdleAfter: new(time.Duration), Busy: new(time.Duration)})
}

// say takes up what a published pod says. One without a port is a Task's, and is up until it has ended, whatever it says.
func (p *Pods) say(ctx context.Context, pod sessionapi.Pod, w directory.Word) error {
	s, serves, err := p.find(ctx, pod)
	switch {
	case err != nil:
		return err
	case !serves:
		return notPublished()
	case s.Status.Endpoint.Port == 0:
		return nil
	}
	return p.sessions.waker.hear(ctx, s, w)
}

// SetAlarms replaces the alarms of the pod's session. It may also while it is told to stop: then it knows best when it is needed next.
func (p *Pods) SetAlarms(ctx context.Context, pod sessionapi.Pod, at []string) error {
	s, _, err := p.find(ctx, pod)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": s.UID}, "spec": map[string]any{"alarms": at}})
	if err != nil {
		return fmt.Errorf("write alarms: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	replaced := false
	err = retry(ctx, func() error {
		o := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name}}
		err := p.sessions.client.Patch(ctx, o, client.RawPatch(types.MergePatchType, body), client.FieldOwner(v1alpha1.OwnerPod))
		if replaced = apierrors.IsConflict(err); replaced {
			return nil
		}
		return err
	})
	switch {
	case replaced:
		return formerPod()
	case err != nil:
		return rejected(err)
	}
	return nil
}

// find reads the session of a pod, and says whether the pod serves it now.
func (p *Pods) find(ctx context.Context, pod sessionapi.Pod) (s *v1alpha1.Session, serves bool, err error) {
	s, err = p.sessions.read(ctx, directory.ID{Namespace: pod.Namespace, Name: pod.Name})
	if err != nil {
		return nil, false, err
	}
	serves, err = standing(&s.Status, pod.UID)
	return s, serves, err
}

// standing is whether the pod of that UID serves its session. One that is falling asleep does not any more; one that its session does not
// have is refused: a former one, a stranger of that name, or one that is not published yet.
func standing(s *v1alpha1.SessionStatus, uid string) (serves bool, err error) {
	switch {
	case s.Endpoint != nil && string(s.Endpoint.UID) == uid:
		return true, nil
	case s.Pod != nil && string(s.Pod.UID) == uid:
		return false, nil
	case s.Endpoint == nil && s.Pod == nil:
		return false, notPublished()
	}
	return false, formerPod()
}

func formerPod() error { return &answer.Problem{Reason: answer.ReasonFormerPod} }
