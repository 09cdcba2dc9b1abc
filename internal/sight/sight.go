// Package sight answers the question on which every sleep waits: has each gateway acted on this version of a Session?
//
// The answer comes from the gateways' Leases, read from the API server after the question was asked and never from a
// cache, so that a gateway that has just started is not missed. One such list serves every question asked before it.
package sight

import (
	"context"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const (
	// renewal is how often a gateway renews its Lease: without any other sign, the Leases are read again after it.
	renewal = 2 * time.Second
	// doubt is how long a gateway may lag before it is asked whether its process still lives.
	doubt = time.Second
)

// Sight reads the gateways' Leases. It is safe for concurrent use.
type Sight struct {
	// Reader reads from the API server, not from a cache.
	Reader client.Reader
	// Namespace is where the gateways and their Leases are.
	Namespace string
	// Now is the operator's clock.
	Now func() time.Time
	// Seen is called for a session whose question is answered with yes, and where it has been open for long, for one that waits for
	// another gateway now.
	Seen func(types.NamespacedName)

	mu        sync.Mutex
	questions map[types.UID]*question
	poke      chan struct{}
}

type question struct {
	session types.NamespacedName
	version string
	asked   time.Time
	passed  bool
	lagging string // the first gateway, by its name, that had not acted on it at the last look
}

// Passed says whether every gateway has acted on this version of the session, or is gone. If that is not known it will be
// found out, and Seen is called.
func (s *Sight) Passed(uid types.UID, session types.NamespacedName, version string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.questions[uid]
	if q == nil || q.version != version {
		q = &question{session: session, version: version, asked: s.Now()}
		if s.questions == nil {
			s.questions = map[types.UID]*question{}
		}
		s.questions[uid] = q
		s.signal()
	}
	return q.passed
}

// Lagging is the gateway that the question about a session waits for: of several, the first by its name. Empty: none, or none is known.
func (s *Sight) Lagging(uid types.UID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.questions[uid]; q != nil {
		return q.lagging
	}
	return ""
}

// Forget drops the question about a session.
func (s *Sight) Forget(uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.questions, uid)
}

// Poke says that a Lease has changed.
func (s *Sight) Poke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signal()
}

func (s *Sight) signal() {
	select {
	case s.pokes() <- struct{}{}:
	default:
	}
}

func (s *Sight) pokes() chan struct{} {
	if s.poke == nil {
		s.poke = make(chan struct{}, 1)
	}
	return s.poke
}

// Start answers questions until ctx ends. It is a Runnable of the manager's, for the leader only.
func (s *Sight) Start(ctx context.Context) error {
	s.mu.Lock()
	poked := s.pokes()
	s.mu.Unlock()
	again := time.NewTicker(renewal)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-poked:
		case <-again.C:
		}
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "look at the gateways")
		}
	}
}

// look answers what was asked before it, from one list.
func (s *Sight) look(ctx context.Context) error {
	open := s.open()
	if len(open) == 0 {
		return nil
	}
	var leases coordinationv1.LeaseList
	if err := s.Reader.List(ctx, &leases, client.InNamespace(s.Namespace), client.MatchingLabels{v1alpha1.LabelComponent: v1alpha1.ComponentGateway}); err != nil {
		return fmt.Errorf("list the gateways' leases: %w", err)
	}
	lives := s.lives(ctx)
	for uid, q := range open {
		s.answer(uid, q, s.lags(leases.Items, uid, q, lives))
	}
	return nil
}

func (s *Sight) open() map[types.UID]*question {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := map[types.UID]*question{}
	for uid, q := range s.questions {
		if !q.passed {
			open[uid] = q
		}
	}
	return open
}

// lags is the first gateway, by its name, that lives and has not acted on the version; empty if each has.
func (s *Sight) lags(leases []coordinationv1.Lease, uid types.UID, q *question, lives func(*coordinationv1.Lease) bool) (first string) {
	for i := range leases {
		lease := &leases[i]
		if first != "" && lease.Name >= first || vouches(lease, uid, q.version) {
			continue
		}
		if s.Now().Sub(q.asked) < doubt || lives(lease) {
			first = lease.Name
		}
	}
	return first
}

// answer writes down which gateway a question waits for, or that it waits for none. While a sleep is quick nobody is told of the former.
func (s *Sight) answer(uid types.UID, q *question, lagging string) {
	s.mu.Lock()
	news := s.questions[uid] == q && (lagging == "" || lagging != q.lagging && s.Now().Sub(q.asked) >= doubt)
	q.passed, q.lagging = lagging == "", lagging
	s.mu.Unlock()
	if news {
		s.Seen(q.session)
	}
}
