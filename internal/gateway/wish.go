package gateway

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// clientOf is the address of a client, for counting: of IPv6 the network of 64 bits, which one machine may have for itself.
func clientOf(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return networkOf(at.Addr())
}

func networkOf(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a
	}
	return netip.PrefixFrom(a, 64).Masked().Addr()
}

// wish is what the caller wants awake, and may: its error says why not. Whatever is asked here is asked before anything is written.
func (g *Gateway) wish(ctx context.Context, t Target) (directory.Wish, error) {
	w := directory.Wish{ID: t.ID, Template: t.Name, Key: t.Key, Create: t.Create, IdleAfter: t.IdleAfter}
	if t.Caller.Anonymous() {
		w.Client = t.Client
		return w, g.allowWake(t)
	}
	w.Owner, w.Tenant = t.Caller.Subject, t.Caller.Tenant
	s, err := g.look(ctx, t, t.Caller, access.Wake)
	if err != nil {
		return w, err
	}
	may := permit(t, t.Caller, access.Session{}, access.Create)
	if access.NeedsSession(t.Access, t.Caller, access.Wake) && s.UID == "" {
		w.New = true
		return w, may
	}
	w.Create = w.Create && may == nil
	return w, permit(t, t.Caller, s, access.Wake)
}

// allowWake is whether one of whom nothing is known may wake the session, and has not woken too many.
func (g *Gateway) allowWake(t Target) error {
	if err := permit(t, t.Caller, access.Session{}, access.Wake); err != nil {
		return err
	}
	if g.WakesPerClient < 0 {
		return nil
	}
	if wait := g.wakes.Take(t.Client, g.WakesPerClient, g.Now()); wait > 0 {
		return &Problem{
			Reason: ReasonLimitReached, Status: http.StatusTooManyRequests, Limit: "gateway.wakesPerClient", RetryAfter: wait, Outcome: OutcomeNotSent,
			Detail: "requests without a credential from this address wake sessions faster than they may",
		}
	}
	return nil
}

// barred is why the caller may not use the session, as far as that is known without asking anybody. A request that is barred leaves no
// trace in the directory, so it does not keep the session awake.
func (g *Gateway) barred(t Target) error {
	if !access.NeedsSession(t.Access, t.Caller, access.Use) || g.Authority == nil {
		return nil
	}
	s, known := g.Authority.Known(t.ID)
	if !known {
		return nil
	}
	return permit(t, t.Caller, s, access.Use)
}

// enter is a visit, if the session is reachable and the caller's to use. A Session that was made again meanwhile may be another's.
func (g *Gateway) enter(t Target) (visit *directory.Visit, ok bool, err error) {
	visit, ok = g.Sessions.Enter(t.ID)
	if !ok || t.Access == nil {
		return visit, ok, nil
	}
	if err := permit(t, t.Caller, access.Session{UID: visit.SessionUID(), Owner: visit.Owner()}, access.Use); err != nil {
		visit.Leave()
		return nil, false, err
	}
	return visit, true, nil
}
