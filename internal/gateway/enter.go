package gateway

import (
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/admission"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// enter is a visit, if the session is reachable and the caller's to use. A Session that was made again meanwhile may be another's.
func (g *Gateway) enter(t *resolve.Target) (visit *directory.Visit, ok bool, err error) {
	visit, ok = g.Sessions.Enter(t.ID)
	if !ok || t.Access == nil {
		return visit, ok, nil
	}
	if err := admission.Permit(t, t.Caller, access.Session{UID: visit.SessionUID(), Owner: visit.Owner()}, access.Use); err != nil {
		visit.Leave()
		return nil, false, err
	}
	return visit, true, nil
}
