package sessionapi

import (
	"fmt"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/client"
)

// words says why a session is up, or why it is not there yet: where it stands, what it waits for, who needed it, and what comes next.
func words(s *client.Session) []string {
	all := []string{standing(s)}
	add := func(format, text string) {
		if text != "" {
			all = append(all, fmt.Sprintf(format, text))
		}
	}
	add("%s", s.Message)
	add("It waits for: %s", s.WaitingFor)
	add("The limit is %s.", s.Limit)
	add("It stays up: %s", s.NotIdleBecause)
	add("%s", demand(s.Activity))
	add("%s", ended(s))
	add("It may be woken again at %s.", stamp(s.RetryAt))
	add("Its alarms are %s.", strings.Join(s.Alarms, ", "))
	add("Its schedule is %s.", s.Schedule)
	return all
}

func standing(s *client.Session) string {
	switch {
	case s.Deleting:
		return "It is being deleted."
	case s.Phase == "":
		return "Nobody has wanted it yet."
	case s.Reason == "":
		return "It is " + s.Phase + "."
	}
	return "It is " + s.Phase + ": " + s.Reason + "."
}

func demand(a *client.Activity) string {
	if a == nil {
		return ""
	}
	text := "It was needed last at " + stamp(&a.Time)
	if a.Source != "" {
		text += " (" + a.Source + ")"
	}
	if a.IdleAfter != "" {
		text += "; its workload says that it is idle after " + a.IdleAfter
	}
	if a.Busy != "" {
		text += "; its workload says that it is busy for " + a.Busy + " from then on"
	}
	return text + "."
}

func ended(s *client.Session) string {
	e := s.LastExit
	if e == nil {
		return ""
	}
	text := fmt.Sprintf("Its last pod, of epoch %d, ended at %s: %s", e.Epoch, stamp(&e.Time), e.Reason)
	if e.Code != nil {
		text += fmt.Sprintf(", exit code %d", *e.Code)
	}
	if e.Message != "" {
		text += ", " + e.Message
	}
	return text + "."
}

// stamp is a time as the API writes it; empty for none.
func stamp(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
