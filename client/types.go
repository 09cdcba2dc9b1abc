package client

import "time"

// Bounds of what the API takes.
const (
	// MaxInput is the largest input of a session, in bytes.
	MaxInput = 64 << 10
	// MaxBatch is how many sessions one request may make.
	MaxBatch = 1000
	// MaxLine is the longest line of a batch, in bytes.
	MaxLine = 64 << 10
	// MaxAlarms is how many alarms a session may have.
	MaxAlarms = 64
	// MaxBusy is the longest time for which a pod may say that it is busy.
	MaxBusy = 24 * time.Hour
)

// Root is the path of the API on every host of a gateway.
const Root = "/.well-known/dormouse/v1/"

// Ref names a session: the template in its namespace, and the key as it is, not percent-encoded.
type Ref struct{ Namespace, Template, Key string }

// Session is what is known of a session. Looking at it wakes nothing.
type Session struct {
	Namespace string `json:"namespace"`
	Template  string `json:"template"`
	Key       string `json:"key"`
	Name      string `json:"name"` // of the object, and of the pod
	UID       string `json:"uid"`
	Version   string `json:"version"` // of the object that this was read from; to be compared for equality only
	Owner     string `json:"owner,omitempty"`
	Tenant    string `json:"tenant,omitempty"`
	Phase     string `json:"phase,omitempty"` // Asleep, Queued, Waking, Awake, Hibernated, Draining, Stopping, Completed or Failed; empty: nobody has wanted it yet
	Epoch     int64  `json:"epoch"`           // of the latest pod that was published or has ended
	Ready     bool   `json:"ready"`           // requests are being served
	Reason    string `json:"reason,omitempty"`
	Message   string `json:"message,omitempty"` // the sentence of the reason

	Limit          string `json:"limit,omitempty"` // that it waits for, or was refused for
	WaitingFor     string `json:"waitingFor,omitempty"`
	NotIdleBecause string `json:"notIdleBecause,omitempty"`

	Suspended bool     `json:"suspended,omitempty"`
	Deleting  bool     `json:"deleting,omitempty"`
	Schedule  string   `json:"schedule,omitempty"`
	TimeZone  string   `json:"timeZone,omitempty"`
	Alarms    []string `json:"alarms,omitempty"`

	Created   time.Time  `json:"created"`
	LastAlarm *time.Time `json:"lastAlarm,omitempty"`
	RetryAt   *time.Time `json:"retryAt,omitempty"` // when a session that failed may be woken again, or one that was put off starts again
	Activity  *Activity  `json:"activity,omitempty"`
	LastExit  *Exit      `json:"lastExit,omitempty"`
}

// Ref is the name of the session.
func (s *Session) Ref() Ref { return Ref{s.Namespace, s.Template, s.Key} }

// Activity is the latest demand for a session.
type Activity struct {
	Time      time.Time `json:"time"`
	Source    string    `json:"source,omitempty"` // request, connection, user, alarm or schedule
	IdleAfter string    `json:"idleAfter,omitempty"`
	Busy      string    `json:"busy,omitempty"` // what was left of it at that time
}

// Exit is how the last pod of a session ended.
type Exit struct {
	Epoch   int64     `json:"epoch"`
	Reason  string    `json:"reason"`
	Code    *int32    `json:"code,omitempty"`
	Message string    `json:"message,omitempty"`
	Time    time.Time `json:"time"`
}

// Spec is what a session is made with. All of it may be empty.
type Spec struct {
	// Tenant is on whose account it runs.
	Tenant string `json:"tenant,omitempty"`
	// Input is what its containers find in a file, at most MaxInput bytes of UTF-8. Nil: no file.
	Input *string `json:"input,omitempty"`
	// Suspend keeps it asleep.
	Suspend bool `json:"suspend,omitempty"`
	// Schedule wakes it: five cron fields.
	Schedule string `json:"schedule,omitempty"`
	// TimeZone of the schedule, an IANA name. Empty: UTC.
	TimeZone string `json:"timeZone,omitempty"`
	// Alarms wake it, at most MaxAlarms: RFC 3339 in whole seconds.
	Alarms []string `json:"alarms,omitempty"`
}

// Line is one line of a batch: a session to be made.
type Line struct {
	Key string `json:"key"`
	Spec
}

// Result is what became of a line of a batch.
type Result struct {
	Line       int    `json:"line"` // from 1 on
	Key        string `json:"key,omitempty"`
	Status     int    `json:"status"` // 201: made; 200: was there; else as an answer to that line alone would have
	Reason     string `json:"reason"` // Created, Exists, or that of a Problem
	Detail     string `json:"detail,omitempty"`
	Limit      string `json:"limit,omitempty"`
	RetryAfter int64  `json:"retryAfterSeconds,omitempty"`
}

// Stored is whether the session is there.
func (r *Result) Stored() bool { return r.Status == 200 || r.Status == 201 }

// Explanation says in words why a session is up, or why it is not there yet.
type Explanation struct {
	Words   []string `json:"words"`
	Session Session  `json:"session"`
}

// Busy is how long a pod says that it is busy: a Go duration, or a number of seconds.
type Busy struct {
	For string `json:"for"`
}

// Identity is who a pod is.
type Identity struct {
	Pod     string  `json:"pod"` // UID
	Epoch   int64   `json:"epoch"`
	Session Session `json:"session"`
}
