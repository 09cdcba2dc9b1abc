package resolve

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/gateway/grpc"
	"github.com/dormouse-dev/dormouse/internal/gateway/websocket"
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
	Quiet *answer.Problem
	// Paged is whether the request is of a browser, which is shown a page when its Patience is over.
	Paged bool
	// Caller is who sent the request, as far as the template asks for that.
	Caller access.Caller
	// Decided is the UID of the Session that what the Caller may was decided on; empty: on none.
	Decided string
	// Client is the address that it came from, for counting.
	Client netip.Addr
}

// Wish is the session that the request wants awake, whoever sent it.
func (t *Target) Wish() directory.Wish {
	return directory.Wish{
		ID:        t.ID,
		Template:  t.Name,
		Key:       t.Key,
		Create:    t.Create,
		IdleAfter: t.IdleAfter,
	}
}

// Resolve finds the session that a request is for. Its errors are Problems: BadHost, BadTarget, BadKey, NoRoute, KeyRejected,
// ForeignOrigin, SlashMissing and, where a token would have to name the key, Unauthenticated.
func (t *Table) Resolve(r *http.Request) (*Target, error) {
	host, ok := front.ParseHost(r.Host)
	if !ok {
		return nil, &answer.Problem{Reason: answer.ReasonBadHost}
	}
	path, ok := Path(r)
	if !ok {
		return nil, &answer.Problem{Reason: answer.ReasonBadTarget}
	}
	ix := t.index.Load()
	if ix == nil {
		return nil, &answer.Problem{Reason: answer.ReasonNoRoute}
	}
	m, ok := ix.find(r, host, path)
	if !ok {
		var err error
		if m, err = ix.byClaim(r, path, t.Now); err != nil {
			return nil, err
		}
	}
	return m.target(r, t.Proxies)
}

// Path is the path of the request as it was sent. A target in absolute-form is refused: net/http forgets the Host beside
// it, and whoever stands before us may have looked at that one.
func Path(r *http.Request) (string, bool) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return path, strings.HasPrefix(path, "/") && !strings.Contains(path, "#")
}

func (m match) target(r *http.Request, proxies front.Proxies) (*Target, error) {
	k, err := m.decode()
	if err != nil {
		return nil, err
	}
	name, err := key.Name(m.template.Name, k)
	if err != nil || m.template.Pattern == nil || !m.template.Pattern.MatchString(k) {
		return nil, &answer.Problem{Reason: answer.ReasonKeyRejected}
	}
	if m.foreign(r, proxies) {
		return nil, &answer.Problem{Reason: answer.ReasonForeignOrigin}
	}
	if m.path == "" && Redirectable(r) {
		return nil, &answer.Problem{Reason: answer.ReasonSlashMissing, Location: withQuery(m.prefix+"/", r.URL)}
	}
	if m.path == "" {
		m.path = "/"
	}
	return &Target{
		Template:   m.template,
		Key:        k,
		ID:         directory.ID{Namespace: m.template.Namespace, Name: name},
		Route:      m.route,
		PathPrefix: m.prefix,
		Path:       m.path,
		Patience:   min(m.template.WakeTimeout, grpc.Patience(r)),
		Quiet:      quiet(r, m.path),
		Client:     front.ClientOf(r),
	}, nil
}

// foreign says whether a page of another host opens a WebSocket with a key that the browser added.
func (m match) foreign(r *http.Request, proxies front.Proxies) bool {
	return m.place == inCookie && websocket.Asked(r) && !proxies.OwnPage(r)
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
		return "", &answer.Problem{Reason: answer.ReasonBadKey, Detail: fault}
	}
	return k, nil
}

// Redirectable says whether a redirect is an answer to r: a client that upgrades does not follow it.
func Redirectable(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !websocket.Asked(r)
}

func withQuery(path string, u *url.URL) string {
	if u.RawQuery == "" {
		return path
	}
	return path + "?" + u.RawQuery
}

// headerWake says "no" in a request that is not to wake its session.
const headerWake = "Dormouse-Wake"

// quiet is the answer of a request that does not wake a session: its client says so, or it is what browsers and crawlers ask
// for on their own.
func quiet(r *http.Request, path string) *answer.Problem {
	if strings.EqualFold(r.Header.Get(headerWake), "no") {
		return &answer.Problem{Reason: answer.ReasonNotWoken}
	}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if read && (path == "/favicon.ico" || path == "/robots.txt") {
		return &answer.Problem{Reason: answer.ReasonNotWoken, Status: http.StatusNotFound}
	}
	return nil
}
