package accesspolicy

import (
	"testing"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/access"
)

func TestFor(t *testing.T) {
	for name, tt := range map[string]struct {
		spec v1alpha1.SessionTemplateSpec
		want *access.Policy
	}{
		"nothing said":     {v1alpha1.SessionTemplateSpec{}, nil},
		"anyone, in words": {v1alpha1.SessionTemplateSpec{Access: &v1alpha1.AccessSpec{Use: v1alpha1.WhoAnyone}, Wake: v1alpha1.WakeSpec{By: v1alpha1.WhoAnyone}}, nil},
		"anyone, with credentials": {
			v1alpha1.SessionTemplateSpec{Access: &v1alpha1.AccessSpec{Capability: true}},
			&access.Policy{Capability: true},
		},
		"owner": {
			v1alpha1.SessionTemplateSpec{Access: &v1alpha1.AccessSpec{Use: v1alpha1.WhoOwner, Kubernetes: true}},
			&access.Policy{Use: access.Owner, Kubernetes: true},
		},
		"woken by some": {
			v1alpha1.SessionTemplateSpec{Access: &v1alpha1.AccessSpec{Kubernetes: true}, Wake: v1alpha1.WakeSpec{By: v1alpha1.WhoAuthenticated}},
			&access.Policy{Wake: access.Authenticated, Kubernetes: true},
		},
		"somebody of a newer API": {
			v1alpha1.SessionTemplateSpec{Access: &v1alpha1.AccessSpec{Use: "Friends"}},
			&access.Policy{Use: access.Owner},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := For(&tt.spec)
			if err != nil || (got == nil) != (tt.want == nil) {
				t.Fatalf("got %+v, %v", got, err)
			}
			if got != nil && (got.Use != tt.want.Use || got.Wake != tt.want.Wake || got.Capability != tt.want.Capability || got.Kubernetes != tt.want.Kubernetes) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestForRefusesKeys(t *testing.T) {
	for name, jwks := range map[string]string{
		"no JSON":       "{",
		"no keys":       `{"keys": []}`,
		"a secret":      `{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}`,
		"a private key": `{"keys": [{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			spec := &v1alpha1.SessionTemplateSpec{Access: &v1alpha1.AccessSpec{JWT: []v1alpha1.JWTIssuer{{Issuer: "i", JWKS: jwks}}}}
			if p, err := For(spec); err == nil {
				t.Errorf("got %+v", p)
			}
		})
	}
}
