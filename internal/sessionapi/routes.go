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
	early  bool // its body is read before it has a place: no pod that stalls is in the way of another
}

// routes are all that there is, by shape and method.
var routes = map[string]map[string]handler{
	shapeDocument:             {"GET": {do: (*API).document, places: working}},
	shapeSessions:             {"POST": {do: (*API).batch, places: batching}},
	shapeSession:              {"GET": {do: (*API).look, places: working}, "PUT": {do: (*API).put, places: creating}, "DELETE": {do: (*API).end, places: working}},
	shapeSession + "/wake":    {"POST": {do: (*API).wake, places: waiting}},
	shapeSession + "/sleep":   {"POST": {do: (*API).sleep, places: working}},
	shapeSession + "/explain": {"GET": {do: (*API).explain, places: working}},
	shapeSession + "/watch":   {"GET": {do: (*API).watch, places: watching}},
	shapeSelf:                 {"GET": {do: (*API).self, places: calling}},
	shapeSelf + "/busy":       {"POST": {do: (*API).selfBusy, places: calling, early: true}},
	shapeSelf + "/alarms":     {"PUT": {do: (*API).selfAlarms, places: calling, early: true}},
	shapeSelf + "/sleep":      {"POST": {do: (*API).selfSleep, places: calling}},
}

func working(a *API, _ *http.Request) places  { return a.calls }
func creating(a *API, _ *http.Request) places { return a.creates }
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
