package sessionapi

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// Pod is a pod that calls, by a token that was checked.
type Pod struct{ Namespace, Name, UID string }

// Pods is what the API needs of the pods that call. Its errors are a *answer.Problem, a *directory.Refusal or ctx's; a pod that its
// session does not have is refused by each.
type Pods interface {
	// Pod says whose token it is, which an address has shown: a Problem Unauthenticated where it is no pod's, or is not meant for us.
	Pod(ctx context.Context, token string, from netip.Addr) (Pod, error)
	// Self is the pod's session.
	Self(ctx context.Context, p Pod) (client.Session, error)
	// Busy says that it is busy from now on. Zero: not any more.
	Busy(ctx context.Context, p Pod, d time.Duration) error
	// Rest says that its session may sleep as soon as nobody is there, and that it is not busy.
	Rest(ctx context.Context, p Pod) error
	// SetAlarms replaces the alarms of its session.
	SetAlarms(ctx context.Context, p Pod, at []string) error
}

// caller is the pod that calls.
func (a *API) caller(r *http.Request) (Pod, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if a.Pods == nil || !ok || token == "" {
		return Pod{}, &answer.Problem{Reason: answer.ReasonUnauthenticated, Detail: "A pod calls with its projected token, as Bearer."}
	}
	return a.Pods.Pod(r.Context(), token, front.ClientOf(r))
}

// self answers a pod which session it is of.
func (a *API) self(w http.ResponseWriter, r *http.Request, _ call) error {
	p, err := a.caller(r)
	if err != nil {
		return err
	}
	return a.replySelf(w, r, p)
}

func (a *API) replySelf(w http.ResponseWriter, r *http.Request, p Pod) error {
	s, err := a.Pods.Self(r.Context(), p)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, client.Identity{Pod: p.UID, Epoch: s.Epoch, Session: s})
}

// selfBusy takes up how long a pod is busy.
func (a *API) selfBusy(w http.ResponseWriter, r *http.Request, _ call) error {
	p, err := a.caller(r)
	if err != nil {
		return err
	}
	var b client.Busy
	if err := readBody(w, r, &b); err != nil {
		return err
	}
	d, err := busyFor(b.For)
	if err != nil {
		return err
	}
	if err := a.Pods.Busy(r.Context(), p, d); err != nil {
		return err
	}
	return a.replySelf(w, r, p)
}

// busyFor reads a Go duration, or a number of seconds, as the header Session-Busy has it.
func busyFor(text string) (time.Duration, error) {
	if _, err := strconv.ParseUint(text, 10, 64); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > client.MaxBusy {
		return 0, &answer.Problem{Reason: answer.ReasonBadBody, Detail: `"for" is a duration as 10m, or a number of seconds, up to 24h`}
	}
	return d, nil
}

// selfSleep lets the pod's session fall asleep.
func (a *API) selfSleep(w http.ResponseWriter, r *http.Request, _ call) error {
	p, err := a.caller(r)
	if err != nil {
		return err
	}
	if err := a.Pods.Rest(r.Context(), p); err != nil {
		return err
	}
	return a.replySelf(w, r, p)
}

// selfAlarms replaces the alarms of the pod's session.
func (a *API) selfAlarms(w http.ResponseWriter, r *http.Request, _ call) error {
	p, err := a.caller(r)
	if err != nil {
		return err
	}
	at := []string{}
	if err := readBody(w, r, &at); err != nil {
		return err
	}
	if err := checkNew(&client.Spec{Alarms: at}); err != nil {
		return err
	}
	if err := a.Pods.SetAlarms(r.Context(), p, at); err != nil {
		return err
	}
	return a.replySelf(w, r, p)
}
