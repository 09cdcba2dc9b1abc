package cluster

import (
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	contract "github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// told is a Session in the words of the Session API.
func told(o *v1alpha1.Session) contract.Session {
	s := contract.Session{
		Namespace: o.Namespace, Template: o.Spec.Template, Key: o.Spec.Key, Name: o.Name, UID: string(o.UID), Version: o.ResourceVersion,
		Owner: o.Spec.Owner, Tenant: o.Spec.Tenant, Phase: string(o.Status.Phase), Epoch: o.Status.Epoch,
		Limit: o.Status.Limit, WaitingFor: o.Status.WaitingFor, NotIdleBecause: o.Status.NotIdleBecause,
		Suspended: o.Spec.Suspend, Deleting: !o.DeletionTimestamp.IsZero(),
		Schedule: o.Spec.Schedule, TimeZone: o.Spec.TimeZone, Created: o.CreationTimestamp.UTC(),
	}
	if c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionReady); c != nil {
		s.Ready, s.Reason, s.Message = c.Status == metav1.ConditionTrue, c.Reason, c.Message
	}
	for _, a := range o.Spec.Alarms {
		s.Alarms = append(s.Alarms, string(a))
	}
	if t := o.Status.LastAlarm; t != nil {
		s.LastAlarm = utc(t.Time)
	}
	if f := o.Status.Failures; f != nil && f.RetryAt != nil {
		s.RetryAt = utc(f.RetryAt.Time)
	}
	if a := o.Demand(); a != nil {
		s.Activity = &contract.Activity{Time: a.Time.UTC(), Source: string(a.Source), IdleAfter: textOf(a.IdleAfter), Busy: textOf(a.Busy)}
	}
	if e := o.Status.LastExit; e != nil {
		s.LastExit = &contract.Exit{Epoch: e.Epoch, Reason: e.Reason, Code: e.Code, Message: e.Message, Time: e.Time.UTC()}
	}
	return s
}

func utc(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}

func textOf(d *metav1.Duration) string {
	if d == nil {
		return ""
	}
	return d.Duration.String()
}

// wished is the Session that is to be made. It is not wanted by that: a Task runs because it is there, any other waits for a touch.
func wished(t *resolve.Target, n *contract.Spec) *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.ID.Namespace, Name: t.ID.Name},
		Spec: v1alpha1.SessionSpec{
			Template: t.Name, Key: t.Key, Owner: t.Caller.Subject, Tenant: n.Tenant, Input: n.Input, Suspend: n.Suspend,
			Schedule: n.Schedule, TimeZone: n.TimeZone, Alarms: alarmsOf(n.Alarms),
		},
	}
}

func alarmsOf(texts []string) []v1alpha1.Alarm {
	var all []v1alpha1.Alarm
	for _, text := range texts {
		all = append(all, v1alpha1.Alarm(text))
	}
	return all
}

// otherThan is why a session that is there is not the one that was to be made, if it is not: what was said must hold, and what was not said
// may be as it is. suspend and alarms change in the life of a session, and are not compared.
func otherThan(o *v1alpha1.Session, n *contract.Spec) error {
	if !o.DeletionTimestamp.IsZero() {
		return &directory.Refusal{Kind: directory.Gone, Reason: "Deleted", Message: "The session is being deleted."}
	}
	other := differs(&o.Spec, n)
	if other == "" {
		return nil
	}
	return &answer.Problem{Reason: answer.ReasonExists, Cause: other, Detail: "It has another " + other + "."}
}

// differs is the first of what was said that does not hold.
func differs(s *v1alpha1.SessionSpec, n *contract.Spec) string {
	switch {
	case n.Tenant != "" && n.Tenant != s.Tenant:
		return "tenant"
	case n.Input != nil && (s.Input == nil || *n.Input != *s.Input):
		return "input"
	case n.Schedule != "" && (n.Schedule != s.Schedule || n.TimeZone != s.TimeZone):
		return "schedule"
	}
	return ""
}

// rejected is what an error of the API server means to one who said what is to be written: it is told what is wrong with that.
func rejected(err error) error {
	var status apierrors.APIStatus
	if apierrors.IsInvalid(err) && errors.As(err, &status) {
		return &answer.Problem{Reason: answer.ReasonBadBody, Detail: status.Status().Message}
	}
	return refusalOf(err)
}

func isKind(err error, k directory.RefusalKind) bool {
	var r *directory.Refusal
	return errors.As(err, &r) && r.Kind == k
}
