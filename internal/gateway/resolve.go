package gateway

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/key"
)

// Target is the session that a request is for.
type Target struct {
	*Template
	Key string
	ID  directory.ID
	// Route is the one that matched.
	Route Route
	// PathPrefix is what a path route took from the path, without the slash at its end: /chess/42.
	PathPrefix string
	// Path is what the pod sees, byte for byte as the client sent it.
	Path string
	// Patience is how long the request may wait for the session: the template's WakeTimeout, or the time that its client gives it.
	Patience time.Duration
	// Quiet is the answer of a request that does not wake a session. Nil: it does.
	Quiet *Problem
	// Paged is whether the request is of a browser, which is shown a page when its Patience is over.
	Paged bool
	// Caller is who sent the request, as far as the template asks for that.
	Caller access.Caller
	// Client is the address that it came from, for counting.
	Client netip.Addr
}

// Resolve finds the session that a request is for. Its errors are Problems: BadHost, BadTarget, BadKey, NoRoute, KeyRejected,
// ForeignOrigin and SlashMissing.
func (t *Table) Resolve(r *http.Request) (Target, error) {
	host, ok := parseHost(r.Host)
	if !ok {
		return Target{}, &Problem{Reason: ReasonBadHost}
	}
	path, ok := rawPath(r)
	if !ok {
		return Target{}, &Problem{Reason: ReasonBadTarget}
	}
	ix := t.index.Load()
	if ix == nil {
		return Target{}, &Problem{Reason: ReasonNoRoute}
	}
	m, ok := ix.find(r, host, path)
	if !ok {
		return Target{}, &Problem{Reason: ReasonNoRoute}
	}
	return m.target(r)
}

// rawPath is the path of the request as it was sent. A target in absolute-form is refused: net/http forgets the Host beside
// it, and whoever stands before us may have looked at that one.
func rawPath(r *http.Request) (string, bool) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return path, strings.HasPrefix(path, "/") && !strings.Contains(path, "#")
}

func (m match) target(r *http.Request) (Target, error) {
	k, err := m.decode()
	if err != nil {
		return Target{}, err
	}
	name, err := key.Name(m.template.Name, k)
	if err != nil || m.template.Pattern == nil || !m.template.Pattern.MatchString(k) {
		return Target{}, &Problem{Reason: ReasonKeyRejected}
	}
	if m.foreign(r) {
		return Target{}, &Problem{Reason: ReasonForeignOrigin}
	}
	if m.path == "" && redirectable(r) {
		return Target{}, &Problem{Reason: ReasonSlashMissing, Location: withQuery(m.prefix+"/", r.URL)}
	}
	if m.path == "" {
		m.path = "/"
	}
	return Target{
		Template:   m.template,
		Key:        k,
		ID:         directory.ID{Namespace: m.template.Namespace, Name: name},
		Route:      m.route,
		PathPrefix: m.prefix,
		Path:       m.path,
		Patience:   min(m.template.WakeTimeout, patience(r)),
		Quiet:      quiet(r, m.path),
		Client:     clientOf(r),
	}, nil
}

// foreign says whether a page of another host opens a WebSocket with a key that the browser added.
func (m match) foreign(r *http.Request) bool {
	return m.place == inCookie && isWebSocket(r) && !sameOrigin(r)
}

// decode gives the key, and refuses one that a route cannot carry without a second meaning.
func (m match) decode() (string, error) {
	k, err := m.place.unquote(m.key)
	fault := m.place.fault(m.key, k)
	switch {
	case m.twice:
		fault = "it is there twice"
	case err != nil:
		fault = "its percent-encoding is malformed"
	case fault == "" && !utf8.ValidString(k):
		fault = "it is not UTF-8"
	}
	if fault != "" {
		return "", &Problem{Reason: ReasonBadKey, Detail: fault}
	}
	return k, nil
}

// redirectable says whether a redirect is an answer to r: a client that upgrades does not follow it.
func redirectable(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !isWebSocket(r)
}

func withQuery(path string, u *url.URL) string {
	if u.RawQuery == "" {
		return path
	}
	return path + "?" + u.RawQuery
}

// quiet is the answer of a request that does not wake a session: its client says so, or it is what browsers and crawlers ask
// for on their own.
func quiet(r *http.Request, path string) *Problem {
	if strings.EqualFold(r.Header.Get(headerWake), "no") {
		return &Problem{Reason: ReasonNotWoken}
	}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if read && (path == "/favicon.ico" || path == "/robots.txt") {
		return &Problem{Reason: ReasonNotWoken, Status: http.StatusNotFound}
	}
	return nil
}
