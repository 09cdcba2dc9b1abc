package cluster

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	contract "github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
)

// Sessions is what the Session API asks of the cluster. It reads from the API server itself: a gateway remembers only what is awake.
type Sessions struct {
	client client.WithWatch
	waker  *waker
}

var _ sessionapi.Sessions = (*Sessions)(nil)

// Sessions gives what the Session API needs of this gateway's part in the cluster.
func (g *Gateway) Sessions() *Sessions { return &Sessions{client: g.sessions.client, waker: g.waker} }

// Template is what is known of a template that is sound.
func (s *Sessions) Template(namespace, name string) (resolve.Template, bool) {
	return s.waker.templates.find(directory.ID{Namespace: namespace, Name: name})
}

func (t *templates) find(id directory.ID) (resolve.Template, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.known[id]
	if k == nil || k.fault != "" {
		return resolve.Template{}, false
	}
	return k.template, true
}

// Look reads a session. It wakes nothing.
func (s *Sessions) Look(ctx context.Context, t *resolve.Target) (contract.Session, error) {
	o, err := s.get(ctx, t)
	if err != nil {
		return contract.Session{}, err
	}
	return told(o), nil
}

// get reads the Session of a key. One of that name that is of another key is not it, nor is one that was made since it was decided what the caller may.
func (s *Sessions) get(ctx context.Context, t *resolve.Target) (*v1alpha1.Session, error) {
	o, err := s.read(ctx, t.ID)
	if err == nil && (o.Spec.Template != t.Name || o.Spec.Key != t.Key) {
		return nil, noSession()
	}
	if err == nil && t.Decided != "" && t.Decided != string(o.UID) {
		return nil, madeMeanwhile()
	}
	return o, err
}

func (s *Sessions) read(ctx context.Context, id directory.ID) (*v1alpha1.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	o := &v1alpha1.Session{}
	err := retry(ctx, func() error { return s.client.Get(ctx, client.ObjectKey{Namespace: id.Namespace, Name: id.Name}, o) })
	switch {
	case missing(err):
		return nil, noSession()
	case err != nil:
		return nil, refusalOf(err)
	}
	return o, nil
}

func noSession() error {
	return &directory.Refusal{Kind: directory.NotFound, Reason: "NotFound", Message: "There is no session of this key."}
}

func madeMeanwhile() error {
	return &answer.Problem{Reason: answer.ReasonReplaced, Detail: "Another was made meanwhile."}
}

// Make makes a session, unless it is there. It looks first: a batch that is sent again costs no writes, and counts towards no limit.
func (s *Sessions) Make(ctx context.Context, t *resolve.Target, n contract.Spec) (contract.Session, bool, error) {
	for range wakeAttempts {
		o, err := s.get(ctx, t)
		if err == nil {
			return told(o), false, otherThan(o, &n)
		}
		if !isKind(err, directory.NotFound) {
			return contract.Session{}, false, err
		}
		o, err = s.create(ctx, t, &n)
		if err == nil {
			return told(o), true, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return contract.Session{}, false, rejected(err)
		}
	}
	return contract.Session{}, false, unavailable("The session was made and deleted again and again.")
}

func (s *Sessions) create(ctx context.Context, t *resolve.Target, n *contract.Spec) (*v1alpha1.Session, error) {
	template := directory.ID{Namespace: t.Namespace, Name: t.Name}
	wish := directory.Wish{ID: t.ID, Owner: t.Caller.Subject, Tenant: n.Tenant, Client: t.Client}
	if err := s.waker.mayMake(wish, template); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	var o *v1alpha1.Session
	err := retry(ctx, func() error {
		o = wished(t, n)
		return s.client.Create(ctx, o, client.FieldOwner(v1alpha1.OwnerGateway))
	})
	if err != nil {
		s.waker.templates.unmade(template)
		return nil, fmt.Errorf("create session: %w", err)
	}
	return o, nil
}

// Touch sees to it that the session is wanted, and does not wait for it.
func (s *Sessions) Touch(ctx context.Context, w directory.Wish) error { return s.waker.rouse(ctx, w) }

// Wake does, and returns nil as soon as it is reachable.
func (s *Sessions) Wake(ctx context.Context, w directory.Wish) error { return s.waker.wake(ctx, w) }

// Sleep says that a session that is up is idle as soon as nobody is there. One that is not up is left alone: a touch would wake it.
// While its workload says that it is busy, it stays.
func (s *Sessions) Sleep(ctx context.Context, t *resolve.Target) error {
	o, err := s.get(ctx, t)
	if err != nil {
		return err
	}
	if e := o.Status.Endpoint; e == nil || e.Port == 0 {
		return nil
	}
	return s.waker.hear(ctx, o, directory.Word{IdleAfter: new(time.Duration)})
}

// Delete begins the end of a session.
func (s *Sessions) Delete(ctx context.Context, t *resolve.Target, uid string) (contract.Session, error) {
	o, err := s.get(ctx, t)
	if err != nil {
		return contract.Session{}, err
	}
	if uid != "" && uid != string(o.UID) {
		return contract.Session{}, &answer.Problem{Reason: answer.ReasonReplaced, Detail: "Its UID is " + string(o.UID) + "."}
	}
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	replaced := false
	err = retry(ctx, func() error {
		err := s.client.Delete(ctx, o, client.Preconditions{UID: &o.UID})
		if replaced = apierrors.IsConflict(err); replaced {
			return nil
		}
		return err
	})
	switch {
	case replaced:
		return contract.Session{}, madeMeanwhile()
	case err != nil && !missing(err):
		return contract.Session{}, refusalOf(err)
	}
	end := told(o)
	end.Deleting = true
	return end, nil
}
