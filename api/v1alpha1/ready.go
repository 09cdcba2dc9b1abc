package v1alpha1

import "k8s.io/apimachinery/pkg/api/meta"

// ReadyReason is the reason of the session's Ready condition; empty until the operator has written one.
func (s *Session) ReadyReason() string {
	if c := meta.FindStatusCondition(s.Status.Conditions, ConditionReady); c != nil {
		return c.Reason
	}
	return ""
}
