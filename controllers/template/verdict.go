package template

import (
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/accesspolicy"
	"github.com/dormouse-dev/dormouse/internal/key"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// verdict is what was found of a template.
type verdict struct {
	reason string // one of the Accepted condition
	words  string // what a person needs beside the reason
	final  bool   // it cannot change before the template does
}

// check finds what needs no API server; nil if all of that is sound.
func check(t *v1alpha1.SessionTemplate) *verdict {
	if _, err := key.Pattern(t.Spec.Key.Pattern); err != nil {
		return &verdict{reason: v1alpha1.ReasonInvalidKeyPattern, words: err.Error(), final: true}
	}
	if _, err := accesspolicy.For(&t.Spec); err != nil {
		return &verdict{reason: v1alpha1.ReasonInvalidAccess, words: "access.jwt: " + err.Error(), final: true}
	}
	if _, ok := podspec.Port(t); !ok && podspec.Serves(t) {
		words := fmt.Sprintf("port: no container has a TCP port %q", t.Spec.Port.String())
		return &verdict{reason: v1alpha1.ReasonInvalidPort, words: words, final: true}
	}
	if !podspec.KeepsClass(t) {
		words := "hibernate.resources: the quality of service class of the pod would change, which Kubernetes refuses; leave guaranteed pods as they are, or give requests and limits alike"
		return &verdict{reason: v1alpha1.ReasonInvalidHibernate, words: words, final: true}
	}
	return nil
}

// example is a Session whose pod stands for all pods of a template: no rule of the API server looks at what differs.
func example(t *v1alpha1.SessionTemplate, now time.Time) *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Name:              t.Name + ".dry-run",
			Namespace:         t.Namespace,
			UID:               t.UID,
			CreationTimestamp: metav1.NewTime(now),
		},
		Spec: v1alpha1.SessionSpec{Template: t.Name, Key: "dry-run"},
	}
}

// judgeAnswer reads the API server's answer to the dry run. An error means that it was no verdict on the template and to
// come back; neither verdict nor error, that the namespace is going away and the template with it.
func judgeAnswer(err error) (*verdict, error) {
	switch {
	case err == nil, apierrors.IsAlreadyExists(err), quotaFull(err):
		return &verdict{reason: v1alpha1.ReasonAccepted, final: true}, nil
	case apierrors.IsNotFound(err), apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return nil, nil
	case apierrors.IsBadRequest(err), apierrors.IsInvalid(err), apierrors.IsRequestEntityTooLargeError(err), denied(err):
		return &verdict{reason: v1alpha1.ReasonInvalidPod, words: err.Error(), final: final(err)}, nil
	}
	return nil, fmt.Errorf("create pod or volume claim in dry run: %w", err)
}

// quotaFull says that a quota would let the pod in later, or does not know yet. It is asked last of all, so the rest of
// the pod is sound. A quota that wants requests or limits which the pod lacks says "failed quota".
func quotaFull(err error) bool {
	return apierrors.IsForbidden(err) &&
		(strings.Contains(err.Error(), "exceeded quota: ") || strings.Contains(err.Error(), "status unknown for quota: "))
}

// denied says that admission rejected the pod, which it names. Without a name it is the operator that may not create pods.
func denied(err error) bool {
	return apierrors.IsForbidden(err) && details(err).Name != ""
}

// final says that only the template can mend it. What admission rejects (a missing ServiceAccount or PriorityClass, Pod
// Security, a policy, a webhook) it may take tomorrow; only the validation of the pod itself names fields.
func final(err error) bool {
	for _, cause := range details(err).Causes {
		if cause.Field != "" {
			return true
		}
	}
	return apierrors.IsRequestEntityTooLargeError(err)
}

func details(err error) metav1.StatusDetails {
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		return *status.Status().Details
	}
	return metav1.StatusDetails{}
}
