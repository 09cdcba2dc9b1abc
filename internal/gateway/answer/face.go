package answer

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/page"
)

// faces has the words of a page for a reason: a title, and what a person can do who only knows the address.
var faces = map[Reason]struct{ title, advice string }{
	ReasonWaking:         {"Waking up", "You can leave this page open: it goes on by itself."},
	ReasonBadHost:        {"Wrong address", adviceAddress},
	ReasonBadTarget:      {"Wrong address", adviceAddress},
	ReasonBadKey:         {"Wrong address", adviceAddress},
	ReasonNoRoute:        {"Nothing here", adviceAddress},
	ReasonKeyRejected:    {"Nothing here", adviceAddress},
	ReasonNotFound:       {"Nothing here", adviceAddress},
	ReasonGone:           {"It is gone", "What was here is not coming back under this address. Ask whoever gave it to you for a new one."},
	ReasonStartFailed:    {"Trouble waking up", "You can try again. If it goes on like this, show this page to whoever runs it: the details below say why."},
	ReasonSuspended:      {"Put to rest", "Whoever runs this keeps it asleep for now. Ask them, or come back later."},
	ReasonLimitReached:   {"Full at the moment", "As many as may be are in use. Come back in a little while."},
	ReasonUnavailable:    {"Not available right now", adviceLater},
	ReasonNotWoken:       {"Asleep", "It sleeps, and this kind of request leaves it asleep. Open its page to wake it."},
	ReasonTooManyWaiting: {"Full at the moment", "Many others are waiting for it. Come back in a little while."},
	ReasonWakeTimeout:    {"Still asleep", "You can try again: what has begun goes on meanwhile."},
	ReasonUnsettled:      {"It does not stay awake", adviceLater},
	ReasonPodDied:        {"It broke off", "It may have acted on what you sent, or not. Look before you send it again."},
	ReasonPodUnreachable: {"No answer", "Nothing of what you sent has reached it. You can try again."},
	ReasonBadAnswer:      {"No answer", adviceLater},
	ReasonInternal:       {"Something went wrong here", adviceLater},
}

const (
	adviceAddress = "Check the address, or ask whoever gave it to you."
	adviceLater   = "Try again in a moment. If it goes on like this, tell whoever runs it."
)

func titleOf(p *Problem) string {
	if f, ok := faces[p.Reason]; ok {
		return f.title
	}
	return http.StatusText(p.Code())
}

func adviceOf(p *Problem) string {
	switch f, ok := faces[p.Reason]; {
	case ok:
		return f.advice
	case p.Code() < http.StatusInternalServerError:
		return adviceAddress
	}
	return adviceLater
}

// delays has what a page says of a session that is on its way, by the reason of the delay.
var delays = map[string]string{
	"Queued":             "As many as may be awake are. This one has a place in the queue, and starts as soon as there is room.",
	"ImagePullBackOff":   "What it runs cannot be downloaded at the moment. That is tried again.",
	"Unschedulable":      "No machine has room for it at the moment. It starts as soon as one has.",
	"Draining":           "It was about to fall asleep. That is being taken back.",
	"WaitingForGateways": "It was about to fall asleep. That is being taken back.",
	"SaveFailed":         "It was about to fall asleep, and could not save its state. That is tried again first.",
	"Stopping":           "It is just falling asleep. It starts again as soon as it has.",
	"PodNotEnded":        "The machine that it ran on does not say that it has ended. It starts again as soon as that is certain.",
	"StartFailed":        "The last start failed, and the next one has begun.",
	CauseNotOpen:         "It has started, and opens its doors in a moment.",
}

func sentenceOf(cause string) string {
	if s, ok := delays[cause]; ok {
		return s
	}
	return "It was asleep, and is starting. This takes a moment."
}

// CauseNotOpen is a pod that is there and takes no connections yet.
const CauseNotOpen = "NotOpen"

// FaceOf is a Problem for a person in front of a browser.
func FaceOf(p *Problem) page.Face {
	face := page.Face{
		Title:      titleOf(p),
		Sentence:   answers[p.Reason].title,
		Advice:     adviceOf(p),
		RetryAfter: seconds(p.RetryAfter),
		Waiting:    p.Reason == ReasonWaking,
	}
	details, reason := "Details", string(p.Reason)+" ("+strconv.Itoa(p.Code())+")"
	if face.Waiting {
		face.Sentence, details, reason = sentenceOf(p.Cause), "Waits for", ""
	}
	for _, f := range []page.Fact{
		{Name: details, Value: p.Detail},
		{Name: "Cause", Value: causeOf(p)},
		{Name: "Limit", Value: p.Limit},
		{Name: "Reason", Value: reason},
	} {
		told := f.Value == "" || f.Name != details && strings.Contains(p.Detail, f.Value)
		if !told {
			face.Facts = append(face.Facts, f)
		}
	}
	return face
}

// causeOf is the word of the one who refused, or of what is in the way, where that says more than the rest.
func causeOf(p *Problem) string {
	_, tellable := delays[p.Cause]
	switch {
	case p.Reason == ReasonWaking && (!tellable || p.Cause == CauseNotOpen || p.Limit != ""):
		return ""
	case p.Cause == string(p.Reason), p.Cause == p.Limit:
		return ""
	}
	return p.Cause
}
