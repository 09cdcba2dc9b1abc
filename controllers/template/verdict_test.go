package template

import (
	"errors"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const (
	sound   = v1alpha1.ReasonAccepted
	broken  = v1alpha1.ReasonInvalidPod
	nothing = ""
)

func TestJudgeAnswer(t *testing.T) {
	pods, kind := schema.GroupResource{Resource: "pods"}, schema.GroupKind{Kind: "Pod"}
	forbidden := func(words string) error { return apierrors.NewForbidden(pods, "chess.dry-run", errors.New(words)) }
	tests := map[string]struct {
		answer      error
		reason      string
		final, back bool
	}{
		"taken":                     {nil, sound, true, false},
		"the name is taken":         {apierrors.NewAlreadyExists(pods, "chess.dry-run"), sound, true, false},
		"a full quota":              {forbidden("exceeded quota: q, requested: pods=1"), sound, true, false},
		"a quota that wants limits": {forbidden("failed quota: q: must specify limits.cpu"), broken, false, false},
		"a missing service account": {forbidden(`serviceaccount "table" not found`), broken, false, false},
		"a field":                   {apierrors.NewInvalid(kind, "", field.ErrorList{field.Required(field.NewPath("spec"), "")}), broken, true, false},
		"a policy":                  {policy(), broken, false, false},
		"too large":                 {apierrors.NewRequestEntityTooLargeError("etcd"), broken, true, false},
		"bad":                       {apierrors.NewBadRequest("strict decoding error"), broken, false, false},
		"the namespace is gone":     {apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "games"), nothing, false, false},
		"the namespace is going":    {terminating(), nothing, false, false},
		"the operator may not":      {apierrors.NewForbidden(pods, "", errors.New(`User "x" cannot create`)), nothing, false, true},
		"too many requests":         {apierrors.NewTooManyRequests("later", 1), nothing, false, true},
		"a webhook that is down":    {apierrors.NewInternalError(errors.New("failed calling webhook")), nothing, false, true},
		"no answer":                 {http.ErrHandlerTimeout, nothing, false, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := judgeAnswer(test.answer)
			if (err != nil) != test.back {
				t.Fatalf("comes back with %v", err)
			}
			if got == nil {
				got = &verdict{}
			}
			if got.reason != test.reason || got.final != test.final {
				t.Errorf("%+v, want %s, final: %t", got, test.reason, test.final)
			}
		})
	}
}

// policy is how a ValidatingAdmissionPolicy denies by default: as invalid, with a cause that names no field.
func policy() error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid,
		Details: &metav1.StatusDetails{Name: "chess.dry-run", Causes: []metav1.StatusCause{{Message: "denied request"}}},
	}}
}

func terminating() error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden,
		Details: &metav1.StatusDetails{Name: "chess.dry-run", Causes: []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}},
	}}
}
