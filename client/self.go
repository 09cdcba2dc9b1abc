package client

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"
)

// tokenFile is where the containers of a session find their token.
const tokenFile = "/var/run/secrets/sessions.dormouse.dev/token" //nolint:gosec // a path, no secret

// Self calls the gateway for the pod that it runs in, whose template must have selfCalls. The zero value reads the address from DORMOUSE_API
// and the token from its file, both afresh for each call: the token is renewed in place.
type Self struct {
	// URL of the gateway; empty: $DORMOUSE_API.
	URL string
	// TokenFile is where the token is; empty: where a session's pod has it.
	TokenFile string
	// HTTP makes the requests; nil: http.DefaultClient.
	HTTP *http.Client
}

// Who says which session the pod is of.
func (s *Self) Who(ctx context.Context) (Identity, error) {
	return s.call(ctx, http.MethodGet, "", nil)
}

// Busy keeps the session awake for so long from now on, at most MaxBusy, whatever its idle time. A later call renews or shortens it; zero
// ends it.
func (s *Self) Busy(ctx context.Context, d time.Duration) (Identity, error) {
	return s.call(ctx, http.MethodPost, "/busy", Busy{For: d.String()})
}

// Sleep lets the session fall asleep as soon as nobody is there, and ends what Busy said.
func (s *Self) Sleep(ctx context.Context) (Identity, error) {
	return s.call(ctx, http.MethodPost, "/sleep", nil)
}

// SetAlarms replaces the times at which the session is woken, at most MaxAlarms. Parts of a second are cut off.
func (s *Self) SetAlarms(ctx context.Context, at ...time.Time) (Identity, error) {
	texts := make([]string, len(at))
	for i, t := range at {
		texts[i] = t.UTC().Truncate(time.Second).Format(time.RFC3339)
	}
	return s.call(ctx, http.MethodPut, "/alarms", texts)
}

func (s *Self) call(ctx context.Context, method, rest string, in any) (Identity, error) {
	var me Identity
	base := s.URL
	if base == "" {
		base = os.Getenv("DORMOUSE_API")
	}
	if base == "" {
		return me, errors.New("DORMOUSE_API is not set: the template of the session does not have selfCalls, or the operator no --gateway-url")
	}
	_, err := New(base, Options{HTTP: s.HTTP, Token: s.token}).call(ctx, method, Root+"self"+rest, in, &me)
	return me, err
}

func (s *Self) token() (string, error) {
	file := s.TokenFile
	if file == "" {
		file = tokenFile
	}
	text, err := os.ReadFile(file) //nolint:gosec // the caller says where it is
	return strings.TrimSpace(string(text)), err
}
