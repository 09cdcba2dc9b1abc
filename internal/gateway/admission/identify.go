package admission

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/gateway/websocket"
)

const (
	// queryToken is the parameter of a URL that carries a capability token.
	queryToken = "dormouse_token"
	// secureCookie is the cookie that carries one: a browser takes it over TLS only, and from this host only.
	secureCookie = "__Host-dormouse"
	// PlainCookie is the same over plain HTTP, where that is allowed.
	PlainCookie = "dormouse"
)

// source is where a credential stands in a request.
type source int

const (
	fromNowhere source = iota
	fromHeader
	fromCookie
	fromURL
)

// Recognize says who sent a request for a session, and refuses who may not use it, as far as that is known by now. It takes what no
// pod may see out of the request.
func (g *Gate) Recognize(r *http.Request, t *resolve.Target) (access.Caller, error) {
	c, from, err := g.credential(r, t, access.Use)
	if err != nil {
		return c, err
	}
	if from == fromURL && r.Method == http.MethodGet && resolve.Redirectable(r) {
		return c, g.toCookie(r)
	}
	conceal(r, from)
	if access.NeedsSession(t.Access, c, access.Use) {
		return c, nil
	}
	return c, Permit(t, c, access.Session{}, access.Use)
}

// toCookie sends a browser to the same URL without the token, which is in a cookie from then on: not in the history, and in no link.
func (g *Gate) toCookie(r *http.Request) error {
	token, query := cutQuery(r.URL.RawQuery)
	path, _ := resolve.Path(r)
	if len(path) > 1 && strings.ContainsRune(`/\`, rune(path[1])) {
		path = "/." + path // else it would name another host
	}
	if query != "" {
		path += "?" + query
	}
	name := g.cookie(r)
	c := &http.Cookie{ //nolint:gosec // over plain HTTP, where that is allowed, no browser would take a cookie that is Secure
		Name: name, Value: token, Path: "/", HttpOnly: true, Secure: name == secureCookie, SameSite: http.SameSiteLaxMode,
	}
	return &answer.Problem{Reason: answer.ReasonCookieSet, Location: path, Cookie: c.String()}
}

// identify says who sent a request. A bearer token that is not of a kind that the template takes is the application's
// own, and says nothing here.
func (g *Gate) identify(r *http.Request, t *resolve.Target, verb access.Verb) (access.Caller, error) {
	c, _, err := g.credential(r, t, verb)
	return c, err
}

// credential is identify, and says which credential it was.
func (g *Gate) credential(r *http.Request, t *resolve.Target, verb access.Verb) (access.Caller, source, error) {
	if !t.Access.Identifies() {
		return access.Caller{}, fromNowhere, nil
	}
	for _, p := range g.presented(r, t) {
		c, err := g.check(r, t, verb, p)
		if !errors.Is(err, access.ErrStrange) {
			return c, p.from, err
		}
	}
	return access.Caller{}, fromNowhere, nil
}

// presented is a token, and where it stands in a request.
type presented struct {
	token string
	from  source
}

// presented are the tokens of a request: what the client put there itself comes before what its browser adds.
func (g *Gate) presented(r *http.Request, t *resolve.Target) (all []presented) {
	if token, ok := resolve.Bearer(r.Header); ok {
		all = append(all, presented{token, fromHeader})
	}
	if !t.Access.Capability {
		return all
	}
	if token, _ := cutQuery(r.URL.RawQuery); token != "" {
		all = append(all, presented{token, fromURL})
	}
	if c, err := r.Cookie(g.cookie(r)); err == nil && c.Value != "" {
		all = append(all, presented{c.Value, fromCookie})
	}
	return all
}

// check says who the bearer of a token is. Its errors are ErrStrange and Problems.
func (g *Gate) check(r *http.Request, t *resolve.Target, verb access.Verb, p presented) (access.Caller, error) {
	if p.from == fromURL && g.Proxies.Scheme(r) == "http" && !g.PlainCookies {
		return access.Caller{}, &answer.Problem{Reason: answer.ReasonUnauthenticated, Detail: "a token in a URL is taken over TLS only", Outcome: answer.OutcomeNotSent}
	}
	verifier := access.Verifier{Now: g.Now, Keys: g.Capabilities, Cluster: g.Tokens, From: front.ClientOf(r)}
	c, err := verifier.Verify(r.Context(), t.Access, p.token, access.Place{Namespace: t.ID.Namespace, Name: t.ID.Name}, verb)
	if err != nil {
		return access.Caller{}, rejected(r, p.from, err)
	}
	if p.from == fromCookie && g.Foreign(r) {
		return access.Caller{}, &answer.Problem{Reason: answer.ReasonForbidden, Detail: "a page of another origin sent the request with the cookie of this one", Outcome: answer.OutcomeNotSent}
	}
	return c, nil
}

// rejected says what comes of a token that is not good. As a cookie it may be of another session of the host, so that it says nothing here.
func rejected(r *http.Request, from source, err error) error {
	var bad *access.InvalidError
	switch {
	case errors.Is(err, access.ErrStrange), errors.As(err, &bad) && from == fromCookie:
		return access.ErrStrange
	case errors.As(err, &bad):
		return &answer.Problem{Reason: answer.ReasonUnauthenticated, Detail: bad.Why, Outcome: answer.OutcomeNotSent}
	}
	return unverified(r.Context(), err)
}

// cookie is the name of the one that is taken on this connection.
func (g *Gate) cookie(r *http.Request) string {
	if g.PlainCookies && g.Proxies.Scheme(r) == "http" {
		return PlainCookie
	}
	return secureCookie
}

// Foreign is whether a page of another host sends r. A page may always make a browser read without being asked; it does not see the answer.
func (g *Gate) Foreign(r *http.Request) bool {
	safe := (r.Method == http.MethodGet || r.Method == http.MethodHead) && !websocket.Asked(r)
	return !safe && !g.Proxies.OwnPage(r)
}

// conceal takes out of a request what no pod may see, beside our cookies: our parameter always, since on a host with many sessions
// it may be for another; and a header that says who the caller is, once it has said so.
func conceal(r *http.Request, from source) {
	if from == fromHeader {
		r.Header.Del("Authorization")
	}
	if _, rest := cutQuery(r.URL.RawQuery); rest != r.URL.RawQuery {
		u := *r.URL
		u.RawQuery = rest
		r.URL = &u
	}
}

// cutQuery takes the parameter of ours out of a query, and leaves the rest of it byte for byte.
func cutQuery(query string) (token, rest string) {
	if !strings.Contains(query, queryToken) {
		return "", query
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if name != queryToken {
			kept = append(kept, part)
			continue
		}
		if value, err := url.QueryUnescape(value); err == nil && token == "" {
			token = value
		}
	}
	return token, strings.Join(kept, "&")
}
