package cluster

import (
	"fmt"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// sighted selects the Sessions that matter to a gateway: neither those that nobody has wanted yet, nor those asleep or completed.
const sighted = "status.phase!=,status.phase!=" + string(v1alpha1.PhaseAsleep) + ",status.phase!=" + string(v1alpha1.PhaseCompleted)

func idOf(o client.Object) directory.ID {
	return directory.ID{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// versionOf is the resourceVersion as a number; the API server promises that it is one, and that it grows.
func versionOf(resourceVersion string) (uint64, error) {
	v, err := strconv.ParseUint(resourceVersion, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read resourceVersion: %w", err)
	}
	return v, nil
}

// viewOf is what a Session says to a gateway.
func viewOf(s *v1alpha1.Session, version uint64, r Rules) directory.View {
	v := directory.View{
		Version:   version,
		UID:       string(s.UID),
		Owner:     s.Spec.Owner,
		State:     stateOf(s),
		Epoch:     s.Status.Epoch,
		Gone:      !s.DeletionTimestamp.IsZero(),
		IdleAfter: r.IdleAfter,
		Counts:    r.CountConnections,

		CountsBytes: r.CountBytes,
	}
	if a := s.Demand(); a != nil {
		v.Activity = a.Time.Time
		v.Word = wordOf(a)
	}
	v.Failure = failureOf(s, v.State)
	if s.Status.Phase == v1alpha1.PhaseQueued && v.State != directory.Failed {
		v.Queued = s.Status.Limit
	}
	v.Delay = delayOf(s, v.State)
	if e := s.Status.Endpoint; e != nil {
		v.Pod = directory.Pod{UID: string(e.UID), Address: e.Address, Port: int(e.Port), H2C: e.Protocol == v1alpha1.ProtocolH2C}
		return v
	}
	if d := s.Status.Drain; d != nil {
		v.Unwanted = !s.Touched()
		v.Forced = d.Forced
		v.Deadline = timeOf(d.Deadline)
	}
	return v
}

func stateOf(s *v1alpha1.Session) directory.State {
	switch s.Status.Phase {
	case "", v1alpha1.PhaseAsleep, v1alpha1.PhaseCompleted:
		return directory.Absent
	case v1alpha1.PhaseFailed:
		return directory.Failed
	}
	if limitOf(s) != "" {
		return directory.Failed
	}
	if s.Status.Endpoint != nil && s.Status.Endpoint.Port != 0 {
		return directory.Reachable
	}
	return directory.Unreachable
}

// limitOf is the limit that a session was refused for, if nobody has touched it since: then it is tried again.
func limitOf(s *v1alpha1.Session) string {
	reason := s.ReadyReason()
	refused := reason == v1alpha1.ReasonLimitReached || reason == v1alpha1.ReasonBeyondLimit
	if s.Status.Phase != v1alpha1.PhaseQueued || !refused || s.Touched() {
		return ""
	}
	return s.Status.Limit
}

// failureOf is why a session does not start: the limit that it was refused for, how its last pod ended, or what its condition says.
func failureOf(s *v1alpha1.Session, state directory.State) directory.Failure {
	final, limit := finalOf(s), limitOf(s)
	switch {
	case final == directory.Suspended:
		return directory.Failure{Final: final, Reason: v1alpha1.ReasonSuspended, Message: v1alpha1.Messages[v1alpha1.ReasonSuspended]}
	case limit != "":
		return directory.Failure{Reason: s.ReadyReason(), Limit: limit, Message: fullOf(limit)}
	case final == 0 && state != directory.Failed:
		return directory.Failure{}
	}
	f := directory.Failure{Final: final, Reason: v1alpha1.ReasonStartFailed}
	if c := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady); c != nil {
		f.Reason, f.Message = c.Reason, c.Message
	}
	if e := s.Status.LastExit; e != nil {
		f.Reason, f.Message = e.Reason, words(e)
	}
	if s.Status.Failures != nil {
		f.RetryAt = timeOf(s.Status.Failures.RetryAt)
	}
	return f
}

// delayOf is why a session that is on its way is not there yet. A phase that is not worth a write has the words of the one before.
func delayOf(s *v1alpha1.Session, state directory.State) directory.Delay {
	if state != directory.Unreachable {
		return directory.Delay{}
	}
	return directory.Delay{Reason: s.ReadyReason(), For: s.Status.WaitingFor}
}

// finalOf is what a request for a session is told that no request wakes, or zero.
func finalOf(s *v1alpha1.Session) directory.RefusalKind {
	switch {
	case s.Status.Phase == v1alpha1.PhaseCompleted:
		return directory.Gone
	case s.Status.Phase == v1alpha1.PhaseFailed && s.ReadyReason() == v1alpha1.ReasonGaveUp:
		return directory.StartFailed
	case s.Spec.Suspend && s.Status.Endpoint == nil:
		return directory.Suspended
	}
	return 0
}

func words(e *v1alpha1.Exit) string {
	if e.Code == nil {
		return e.Message
	}
	if e.Message == "" {
		return fmt.Sprintf("exit code %d", *e.Code)
	}
	return fmt.Sprintf("exit code %d: %s", *e.Code, e.Message)
}

func timeOf(t *metav1.MicroTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
