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
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota"):
		return &directory.Refusal{Kind: directory.LimitReached, Reason: "ResourceQuota", Message: "The quota of the namespace is reached."}
	case apierrors.IsInvalid(err):
		return &directory.Refusal{Kind: directory.NotFound, Reason: "InvalidKey", Message: err.Error()}
	case apierrors.IsNotFound(err):
		return &directory.Refusal{Kind: directory.NotFound, Reason: "NotFound", Message: "There is no such namespace."}
	case apierrors.IsForbidden(err):
		return unavailable("The API server forbids it.")
	}
	return unavailable("The API server does not answer.")
}
