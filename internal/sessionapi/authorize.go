package sessionapi

import (
	"net/http"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// Anyone is what a caller may do whom nobody knows. They may do what a request to the session does: look, wake, and make a session where
// the template has a request make one. To end a session, before its time or for good, no request can; that takes an open gateway.
func Anyone(v access.Verb, requestMakes, open bool) bool {
	switch v {
	case access.Look, access.Wake, access.Use:
		return true
	case access.Create:
		return requestMakes || open
	}
	return open
}

// forbidden says what would allow it: a template with access, or the gateway's flag.
const forbidden = "The gateway does not know who calls, and that is not for everybody: " +
	"the template says who may, with access, or the gateways say that everybody may, with --session-api=open."

// AsAnyone is an Authorize that knows nobody.
func AsAnyone(open bool) Authorize {
	return func(_ *http.Request, t *resolve.Target, v access.Verb) (access.Caller, error) {
		if Anyone(v, t.Create, open) {
			return access.Caller{}, nil
		}
		return access.Caller{}, &answer.Problem{Reason: answer.ReasonForbidden, Cause: string(v), Detail: forbidden}
	}
}

// ByTemplate has the templates that say who may be asked by an Authorize that knows callers; of others, anybody may what Anyone may.
func ByTemplate(known Authorize, open bool) Authorize {
	anyone := AsAnyone(open)
	return func(r *http.Request, t *resolve.Target, v access.Verb) (access.Caller, error) {
		if t.Access == nil {
			return anyone(r, t, v)
		}
		return known(r, t, v)
	}
}

// permitted gives the target of a call, if the caller may do that to it, and the caller. Where the gateway knows no template, nobody can say
// who may: there it is as if there were no sessions, but for an open gateway, which lets what is left of them be looked at and ended.
func (a *API) permitted(r *http.Request, c call, v access.Verb) (*resolve.Target, access.Caller, error) {
	t, known, err := a.target(c)
	if err != nil {
		return t, access.Caller{}, err
	}
	caller, err := a.Authorize(r, t, v)
	if err != nil {
		return t, caller, err
	}
	if t.Caller = caller; caller.Anonymous() {
		t.Client = front.ClientOf(r)
		err = a.ownPage(r)
	}
	if err != nil {
		return t, caller, err
	}
	if left := v == access.Look || v == access.Sleep || v == access.Delete; !known && !(a.Open && left) {
		return t, caller, &answer.Problem{Reason: answer.ReasonNotFound, Cause: "TemplateNotFound", Detail: "The gateway knows no sound template of that name in the namespace."}
	}
	return t, caller, nil
}

// ownPage refuses a call that a page of another host has the browser of somebody make who may reach the gateway, as the page's maker may not.
func (a *API) ownPage(r *http.Request) error {
	if a.Foreign == nil || !a.Foreign(r) {
		return nil
	}
	return &answer.Problem{Reason: answer.ReasonForbidden, Cause: "origin", Detail: "A page of another origin sent the call."}
}

// contents refuses what a request cannot say of a session that it brings about, of one whom nobody knows: its file would be another's, and one that is suspended
// nobody could lift. A template that says who may has said who may say that.
func contents(t *resolve.Target, n *client.Spec, open bool) error {
	said := ""
	switch {
	case open || t.Access != nil:
	case n.Input != nil:
		said = "input"
	case n.Suspend:
		said = "suspend"
	case n.Schedule != "" || n.TimeZone != "":
		said = "schedule"
	case len(n.Alarms) > 0:
		said = "alarms"
	}
	if said == "" {
		return nil
	}
	return &answer.Problem{Reason: answer.ReasonForbidden, Cause: said, Detail: forbidden}
}

// account is on whose account a session is made: the caller's, if it has one. Another's is not for a caller who has one, nor for one
// whom nobody knows.
func account(c access.Caller, asked string, open bool) (string, error) {
	switch {
	case asked == "" || asked == c.Tenant:
		return c.Tenant, nil
	case c.Tenant == "" && (c.Known() || open):
		return asked, nil
	}
	return "", &answer.Problem{Reason: answer.ReasonForbidden, Cause: "tenant", Detail: "The caller may not make a session on that tenant's account."}
}
