package gateway

import (
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// retryHeld is what a request is told that found too many waiting: one wake later they are gone.
const retryHeld = time.Second

// room is where requests wait for sessions. It bounds them for each key, for each tenant and in all.
type room struct {
	limit     int // in all
	perTenant int
	metrics   *Metrics
	wakes     *wakes

	mu      sync.Mutex
	held    map[directory.ID]int
	tenants map[tenant]int
	all     int
}

// tenant is on whose account requests wait.
type tenant struct{ namespace, name string }

func tenantOf(t *resolve.Target) tenant { return tenant{t.Namespace, t.Caller.Tenant} }

// ticket is a request's right to wait. It takes a place in the room with the first wait, so that a request for a session
// that is awake never meets the room's lock.
type ticket struct {
	room   *room
	target *resolve.Target
	span   trace.Span // of the request; nil: none
	taken  bool
	waking *waking // what the request has a part in since it took its place
}

// admit gives a ticket, which must be left.
func (r *room) admit(t *resolve.Target) *ticket {
	return &ticket{room: r, target: t}
}

// hold takes a place, if the ticket has none yet. Its error is the Problem TooManyWaiting.
func (t *ticket) hold() error {
	if t.taken {
		return nil
	}
	limit := t.room.take(t.target)
	if limit != "" {
		return &answer.Problem{Reason: answer.ReasonTooManyWaiting, Limit: limit, RetryAfter: retryHeld, Outcome: answer.OutcomeNotSent}
	}
	t.taken = true
	t.waking = t.room.wakes.join(t.target, t.span)
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
func (r *room) take(t *resolve.Target) string {
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

func (r *room) leave(t *resolve.Target) {
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
