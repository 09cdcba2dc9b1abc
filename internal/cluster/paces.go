package cluster

import (
	"net/netip"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/throttle"
)

// paces bound how fast Sessions are made by requests to this gateway.
type paces struct {
	perClient int // in a minute, of those without a credential; zero: no bound

	tenants throttle.Each[account]
	clients throttle.Each[netip.Addr]
}

// account is a tenant of a template.
type account struct {
	template directory.ID
	tenant   string
}

// tooFast is why the Session of a wish may not be made yet; nil: it may now, and that counts. The one who asks comes first and the template
// last, so that whoever asks too often takes nothing of the others.
func (w *waker) tooFast(wish directory.Wish, template directory.ID) error {
	now := w.now()
	if w.paces.perClient > 0 && wish.Client.IsValid() {
		if wait := w.paces.clients.Take(wish.Client, w.paces.perClient, now); wait > 0 {
			return tooFast("gateway.createsPerClient", wait, "Requests without a credential from this address make sessions faster than they may.")
		}
	}
	if perMinute := w.templates.tenantPace(template); perMinute > 0 {
		if wait := w.paces.tenants.Take(account{template, wish.Tenant}, perMinute, now); wait > 0 {
			return tooFast("limits.perTenant.createsPerMinute", wait, "Sessions of the tenant are created faster than they may be.")
		}
	}
	if wait := w.templates.hurry(template, now); wait > 0 {
		return tooFast("limits.createsPerMinute", wait, "Sessions of the template are created faster than they may be.")
	}
	return nil
}

func tooFast(limit string, wait time.Duration, message string) error {
	return &directory.Refusal{Kind: directory.TooFast, Reason: limit, RetryAfter: wait, Message: message}
}

// tenantPace is how many sessions of one tenant of a template may be made in a minute; zero: no limit.
func (t *templates) tenantPace(id directory.ID) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := t.known[id]; k != nil && k.tenantPerMinute != nil {
		return int(*k.tenantPerMinute)
	}
	return 0
}
