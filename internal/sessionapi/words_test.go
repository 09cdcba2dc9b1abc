package sessionapi

import (
	"slices"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/client"
)

func TestWords(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	code := int32(3)
	for name, c := range map[string]struct {
		s    client.Session
		want []string
	}{
		"one that nobody has wanted": {client.Session{}, []string{"Nobody has wanted it yet."}},
		"one in a queue": {
			client.Session{Phase: "Queued", Reason: "Queued", Message: "Waits for a place.", Limit: "limits.awake", WaitingFor: "a place"},
			[]string{"It is Queued: Queued.", "Waits for a place.", "It waits for: a place", "The limit is limits.awake."},
		},
		"one that is busy": {
			client.Session{Phase: "Awake", Reason: "Serving", NotIdleBecause: "It works.", Activity: &client.Activity{Time: at, Source: "request", IdleAfter: "1m0s", Busy: "10m0s"}},
			[]string{
				"It is Awake: Serving.", "It stays up: It works.",
				"It was needed last at 2026-05-01T12:00:00Z (request); its workload says that it is idle after 1m0s; its workload says that it is busy for 10m0s from then on.",
			},
		},
		"one that failed": {
			client.Session{Phase: "Failed", RetryAt: &at, LastExit: &client.Exit{Epoch: 4, Reason: "Error", Code: &code, Message: "no legs", Time: at}},
			[]string{"It is Failed.", "Its last pod, of epoch 4, ended at 2026-05-01T12:00:00Z: Error, exit code 3, no legs.", "It may be woken again at 2026-05-01T12:00:00Z."},
		},
		"one that goes": {
			client.Session{Phase: "Asleep", Deleting: true, Alarms: []string{"a", "b"}, Schedule: "0 6 * * *"},
			[]string{"It is being deleted.", "Its alarms are a, b.", "Its schedule is 0 6 * * *."},
		},
	} {
		if got := words(&c.s); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, c.want)
		}
	}
}
