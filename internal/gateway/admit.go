package gateway

import (
	"sync"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// retryHeld is what a request is told that found too many waiting: one wake later they are gone.
const retryHeld = time.Second

// room is where requests wait for sessions. It bounds them for each key, for each tenant and in all.
type room struct {
	limit     int // in all
	perTenant int
	metrics   *Metrics

	mu      sync.Mutex
	held    map[directory.ID]int
	tenants map[tenant]int
	all     int
}

// tenant is on whose account requests wait.
type tenant struct{ namespace, name string }

func tenantOf(t Target) tenant { return tenant{t.Namespace, t.Caller.Tenant} }

// ticket is a request's right to wait. It takes a place in the room with the first wait, so that a request for a session
// that is awake never meets the room's lock.
type ticket struct {
	room   *room
	target Target
	taken  bool
}

// admit gives a ticket, which must be left.
func (r *room) admit(t Target) *ticket {
	return &ticket{room: r, target: t}
}

// hold takes a place, if the ticket has none yet. Its error is the Problem TooManyWaiting.
func (t *ticket) hold() error {
	if t.taken {
		return nil
	}
	limit := t.room.take(t.target)
	if limit != "" {
		return &Problem{Reason: ReasonTooManyWaiting, Limit: limit, RetryAfter: retryHeld, Outcome: OutcomeNotSent}
	}
	t.taken = true
	return nil
}

// leave gives the place back.
func (t *ticket) leave() {
	if t.taken {
		t.room.leave(t.target)
		t.taken = false
	}
}

// take gives the name of the limit that is reached, or nothing.
func (r *room) take(t Target) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.all >= r.limit:
		return "gateway.maxHeld"
	case r.held[t.ID] >= t.MaxHeld:
		return "wake.maxHeld"
	case r.tenants[tenantOf(t)] >= r.perTenant:
		return "gateway.maxHeldPerTenant"
	}
	if r.held == nil {
		r.held, r.tenants = map[directory.ID]int{}, map[tenant]int{}
	}
	r.held[t.ID]++
	r.tenants[tenantOf(t)]++
	r.all++
	r.metrics.held.Inc()
	return ""
}

func (r *room) leave(t Target) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[t.ID]--; r.held[t.ID] == 0 {
		delete(r.held, t.ID)
	}
	if r.tenants[tenantOf(t)]--; r.tenants[tenantOf(t)] == 0 {
		delete(r.tenants, tenantOf(t))
	}
	r.all--
	r.metrics.held.Dec()
}
