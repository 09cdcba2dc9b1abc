package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/access"
)

const (
	// queryToken is the parameter of a URL that carries a capability token.
	queryToken = "dormouse_token"
	// secureCookie is the cookie that carries one: a browser takes it over TLS only, and from this host only.
	secureCookie = "__Host-dormouse"
	// plainCookie is the same over plain HTTP, where that is allowed.
	plainCookie = "dormouse"
)

// source is where a credential stands in a request.
type source int

const (
	fromNowhere source = iota
	fromHeader
	fromCookie
	fromURL
)

// recognize says who sent a request for a session, and refuses who may not use it, as far as that is known by now. It takes what no
// pod may see out of the request.
func (g *Gateway) recognize(r *http.Request, t Target) (access.Caller, error) {
	c, from, err := g.credential(r, t, access.Use)
	if err != nil {
		return c, err
	}
	if from == fromURL && r.Method == http.MethodGet && redirectable(r) {
		return c, g.toCookie(r)
	}
	conceal(r, from)
	if access.NeedsSession(t.Access, c, access.Use) {
		return c, nil
	}
	return c, permit(t, c, access.Session{}, access.Use)
}

// toCookie sends a browser to the same URL without the token, which is in a cookie from then on: not in the history, and in no link.
func (g *Gateway) toCookie(r *http.Request) error {
	token, query := cutQuery(r.URL.RawQuery)
	path, _ := rawPath(r)
	if len(path) > 1 && strings.ContainsRune(`/\`, rune(path[1])) {
		path = "/." + path // else it would name another host
	}
	if query != "" {
		path += "?" + query
	}
	name := g.cookie(r)
	c := &http.Cookie{Name: name, Value: token, Path: "/", HttpOnly: true, Secure: name == secureCookie, SameSite: http.SameSiteLaxMode}
	return &Problem{Reason: ReasonCookieSet, Location: path, Cookie: c.String()}
}

// identify says who sent a request. A bearer token that is not of a kind that the template takes is the application's
// own, and says nothing here.
func (g *Gateway) identify(r *http.Request, t Target, verb access.Verb) (access.Caller, error) {
	c, _, err := g.credential(r, t, verb)
	return c, err
}

// credential is identify, and says which credential it was.
func (g *Gateway) credential(r *http.Request, t Target, verb access.Verb) (access.Caller, source, error) {
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
func (g *Gateway) presented(r *http.Request, t Target) (all []presented) {
	if token, ok := bearer(r.Header); ok {
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
func (g *Gateway) check(r *http.Request, t Target, verb access.Verb, p presented) (access.Caller, error) {
	if p.from == fromURL && scheme(r) == "http" && !g.PlainCookies {
		return access.Caller{}, &Problem{Reason: ReasonUnauthenticated, Detail: "a token in a URL is taken over TLS only", Outcome: OutcomeNotSent}
	}
	verifier := access.Verifier{Now: g.Now, Keys: g.Capabilities, Cluster: g.Tokens}
	c, err := verifier.Verify(r.Context(), t.Access, p.token, access.Place{Namespace: t.ID.Namespace, Name: t.ID.Name}, verb)
	if err != nil {
		return access.Caller{}, rejected(r, p.from, err)
	}
	if p.from == fromCookie && !sameOrigin(r) {
		return access.Caller{}, &Problem{Reason: ReasonForbidden, Detail: "a page of another origin sent the request with the cookie of this one", Outcome: OutcomeNotSent}
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
		return &Problem{Reason: ReasonUnauthenticated, Detail: bad.Why, Outcome: OutcomeNotSent}
	}
	return unverified(r.Context(), err)
}

func bearer(h http.Header) (string, bool) {
	values := h["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// cookie is the name of the one that is taken on this connection.
func (g *Gateway) cookie(r *http.Request) string {
	if g.PlainCookies && scheme(r) == "http" {
		return plainCookie
	}
	return secureCookie
}

// sameOrigin is whether a browser sent r from a page of the host that it is for, or nobody can tell: no browser leaves Origin
// out of what changes something, or of an upgrade.
func sameOrigin(r *http.Request) bool {
	origin := r.Header["Origin"]
	safe := (r.Method == http.MethodGet || r.Method == http.MethodHead) && !isWebSocket(r)
	if len(origin) == 0 || safe {
		return true
	}
	return len(origin) == 1 && strings.EqualFold(origin[0], scheme(r)+"://"+r.Host)
}

// conceal takes out of a request what no pod may see: our cookie and our parameter always, since on a host with many sessions
// they may be for another; and a header that says who the caller is, once it has said so.
func conceal(r *http.Request, from source) {
	if from == fromHeader {
		r.Header.Del("Authorization")
	}
	if _, rest := cutQuery(r.URL.RawQuery); rest != r.URL.RawQuery {
		u := *r.URL
		u.RawQuery = rest
		r.URL = &u
	}
	if lines := r.Header["Cookie"]; len(lines) > 0 && strings.Contains(strings.Join(lines, ";"), plainCookie) {
		r.Header["Cookie"] = withoutCookie(lines)
	}
}

func withoutCookie(lines []string) []string {
	var rest []string
	for _, line := range lines {
		var kept []string
		for part := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(part), "=")
			if name = strings.TrimSpace(name); name != secureCookie && name != plainCookie {
				kept = append(kept, part)
			}
		}
		if line = strings.TrimSpace(strings.Join(kept, ";")); line != "" {
			rest = append(rest, line)
		}
	}
	return rest
}

// keepCookie drops a pod's attempt to set our cookie: on a host with many sessions it would be for another.
func keepCookie(h http.Header) {
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		return name == secureCookie || name == plainCookie
	})
	if len(h["Set-Cookie"]) == 0 {
		delete(h, "Set-Cookie")
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
