package sessionapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// handler answers one method of one shape of path.
type handler struct {
	do     func(*API, http.ResponseWriter, *http.Request, call) error
	places func(*API, *http.Request) places
}

// routes are all that there is, by shape and method.
var routes = map[string]map[string]handler{
	shapeDocument:             {"GET": {(*API).document, working}},
	shapeSessions:             {"POST": {(*API).batch, batching}},
	shapeSession:              {"GET": {(*API).look, working}, "PUT": {(*API).put, working}, "DELETE": {(*API).end, working}},
	shapeSession + "/wake":    {"POST": {(*API).wake, waiting}},
	shapeSession + "/sleep":   {"POST": {(*API).sleep, working}},
	shapeSession + "/explain": {"GET": {(*API).explain, working}},
	shapeSession + "/watch":   {"GET": {(*API).watch, watching}},
	shapeSelf:                 {"GET": {(*API).self, calling}},
	shapeSelf + "/busy":       {"POST": {(*API).selfBusy, calling}},
	shapeSelf + "/alarms":     {"PUT": {(*API).selfAlarms, calling}},
	shapeSelf + "/sleep":      {"POST": {(*API).selfSleep, calling}},
}

func working(a *API, _ *http.Request) places  { return a.calls }
func calling(a *API, _ *http.Request) places  { return a.selfs }
func batching(a *API, _ *http.Request) places { return a.batches }
func watching(a *API, _ *http.Request) places { return a.watches }

// waiting is where a wake is: it is short unless it is waited for.
func waiting(a *API, r *http.Request) places {
	if waits(r) {
		return a.waits
	}
	return a.calls
}

// find gives the handler, or the Problem NoRoute or MethodNotAllowed. What is allowed is said in h.
func find(h http.Header, shape, method string) (handler, error) {
	methods, ok := routes[shape]
	if !ok {
		return handler{}, &answer.Problem{Reason: answer.ReasonNoRoute}
	}
	found, ok := methods[method]
	if !ok {
		h.Set("Allow", strings.Join(allowed(methods), ", "))
		return handler{}, &answer.Problem{Reason: answer.ReasonMethodNotAllowed}
	}
	return found, nil
}

func allowed(methods map[string]handler) []string {
	var all []string
	for m := range methods {
		all = append(all, m)
	}
	slices.Sort(all)
	return all
}
