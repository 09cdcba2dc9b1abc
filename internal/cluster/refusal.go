package cluster

import (
	"errors"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// retryUnavailable is when one comes back who was refused because the API server did not answer.
const retryUnavailable = time.Second

func unavailable(message string) *directory.Refusal {
	return &directory.Refusal{Kind: directory.Unavailable, Reason: "Unavailable", Message: message, RetryAfter: retryUnavailable}
}

// refusalOf is what an error of the API server means to a request. What the API server said is passed on only where it
// speaks of the request's own key.
func refusalOf(err error) error {
	var r *directory.Refusal
	switch {
	case errors.As(err, &r):
		return r
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), exceeded):
		return overQuota(err)
	case apierrors.IsInvalid(err):
		return &directory.Refusal{Kind: directory.NotFound, Reason: "InvalidKey", Message: err.Error()}
	case apierrors.IsNotFound(err):
		return &directory.Refusal{Kind: directory.NotFound, Reason: "NotFound", Message: "There is no such namespace."}
	case apierrors.IsForbidden(err):
		return unavailable("The API server forbids it.")
	}
	return unavailable("The API server does not answer.")
}

// The limits on the number of a template's sessions, by their names.
const (
	limitSessions       = "limits.sessions"
	limitTenantSessions = "limits.perTenant.sessions"
)

// fullOf says that a limit is reached.
func fullOf(limit string) string {
	switch limit {
	case limitSessions:
		return "The template has as many sessions as it may have."
	case limitTenantSessions:
		return "The tenant has as many sessions of the template as it may have."
	}
	return "The template has as many sessions awake as " + limit + " allows."
}

// lagOf is when to come again after a limit was reached.
func lagOf(limit string) time.Duration {
	if limit == limitSessions || limit == limitTenantSessions {
		return countLag
	}
	return refusalLag
}

// exceeded is what the API server says where a quota is reached, before the quota's name.
const exceeded = "exceeded quota: "

// overQuota names the quota. Of its numbers nothing is passed on.
func overQuota(err error) *directory.Refusal {
	_, rest, _ := strings.Cut(err.Error(), exceeded)
	name, _, _ := strings.Cut(rest, ",")
	return &directory.Refusal{
		Kind: directory.LimitReached, Reason: "ResourceQuota", RetryAfter: countLag,
		Message: "The ResourceQuota " + name + " of the namespace is reached.",
	}
}
