package gateway

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
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
	// PathPrefix is what a path route took from the path, without the slash at its end: /chess/42.
	PathPrefix string
	// Path is what the pod sees, byte for byte as the client sent it.
	Path string
	// Quiet is the answer of a request that does not wake a session. Nil: it does.
	Quiet *Problem
	// Caller is who sent the request, as far as the template asks for that.
	Caller access.Caller
	// Client is the address that it came from, for counting.
	Client netip.Addr
}

// Resolve finds the session that a request is for. Its errors are Problems: BadHost, BadTarget, BadKey, NoRoute, KeyRejected
// and SlashMissing.
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
	m, ok := ix.find(host, path, r.Header)
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
	k, err := m.decode(r.Header)
	if err != nil {
		return Target{}, err
	}
	name, err := key.Name(m.template.Name, k)
	if err != nil || m.template.Pattern == nil || !m.template.Pattern.MatchString(k) {
		return Target{}, &Problem{Reason: ReasonKeyRejected}
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
		PathPrefix: m.prefix,
		Path:       m.path,
		Quiet:      quiet(r, m.path),
		Client:     clientOf(r),
	}, nil
}

// decode gives the key, and refuses one that a route cannot carry without a second meaning.
func (m match) decode(h http.Header) (string, error) {
	k := m.key
	if m.coded {
		var err error
		if k, err = url.PathUnescape(k); err != nil {
			return "", &Problem{Reason: ReasonBadKey, Detail: "its percent-encoding is malformed"}
		}
	}
	switch {
	case m.coded && (k == "." || k == ".."):
		return "", &Problem{Reason: ReasonBadKey, Detail: "it is a dot segment"}
	case m.coded && strings.Contains(k, "/"):
		return "", &Problem{Reason: ReasonBadKey, Detail: "it holds an encoded slash"}
	case !utf8.ValidString(k):
		return "", &Problem{Reason: ReasonBadKey, Detail: "it is not UTF-8"}
	case m.ambiguous(h):
		return "", &Problem{Reason: ReasonBadKey, Detail: "its header is there twice"}
	}
	return k, nil
}

// ambiguous says that a header route found more than one key.
func (m match) ambiguous(h http.Header) bool {
	return m.header != "" && len(h[m.header]) > 1
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
