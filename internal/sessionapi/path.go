package sessionapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/key"
)

// Shapes of paths, below client.Root.
const (
	shapeDocument = "openapi.json"
	shapeSelf     = "self"
	shapeSessions = "namespaces/{namespace}/templates/{template}/sessions"
	shapeSession  = shapeSessions + "/{key}"
)

// call is what a path says.
type call struct {
	shape                    string // with {namespace}, {template} and {key} for what they stand for
	namespace, template, key string
}

// parse reads the path as it was sent: the key is one segment, percent-encoded, and may decode to anything that is a key; slashes and dots
// have no further meaning there. Its errors are the Problems NoRoute, BadTarget and BadKey.
func parse(r *http.Request) (call, error) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "#") {
		return call{}, &answer.Problem{Reason: answer.ReasonBadTarget}
	}
	rest, ours := strings.CutPrefix(path, client.Root)
	if !ours {
		return call{}, &answer.Problem{Reason: answer.ReasonNoRoute}
	}
	if rest == shapeDocument || rest == shapeSelf || strings.HasPrefix(rest, shapeSelf+"/") {
		return call{shape: rest}, nil
	}
	return ofSessions(strings.Split(rest, "/"))
}

// ofSessions reads namespaces/a/templates/b/sessions, and what may follow: a key, and then a word.
func ofSessions(segments []string) (call, error) {
	const session, word, most = 5, 6, 7
	n := len(segments)
	if n < session || n > most || !named(segments) {
		return call{}, &answer.Problem{Reason: answer.ReasonNoRoute}
	}
	c := call{shape: shapeSessions, namespace: segments[1], template: segments[3]}
	if !key.IsLabel(c.namespace) || !key.IsLabel(c.template) {
		return call{}, &answer.Problem{Reason: answer.ReasonNoRoute, Detail: "namespace and template are DNS labels"}
	}
	if n == session {
		return c, nil
	}
	c.shape = shapeSession
	if n == most {
		c.shape += "/" + segments[word]
	}
	var err error
	if c.key, err = url.PathUnescape(segments[session]); err != nil {
		return call{}, &answer.Problem{Reason: answer.ReasonBadKey, Detail: "its percent-encoding is malformed"}
	}
	return c, badKey(c.key)
}

// named says whether the words of a path stand where they must.
func named(segments []string) bool {
	return segments[0] == "namespaces" && segments[2] == "templates" && segments[4] == "sessions"
}

// badKey is what is wrong with a key, if something is.
func badKey(k string) error {
	if err := key.Check(k); err != nil {
		return &answer.Problem{Reason: answer.ReasonBadKey, Detail: err.Error()}
	}
	return nil
}

// target is the session that a call is about, and whether the gateway knows its template.
func (a *API) target(c call) (t *resolve.Target, known bool, err error) {
	name, err := key.Name(c.template, c.key)
	if err != nil {
		return t, false, &answer.Problem{Reason: answer.ReasonBadKey, Detail: err.Error()}
	}
	template, known := a.Sessions.Template(c.namespace, c.template)
	if !known {
		template = resolve.Template{Namespace: c.namespace, Name: c.template}
	}
	return &resolve.Target{Template: &template, Key: c.key, ID: directory.ID{Namespace: c.namespace, Name: name}}, known, nil
}
