package route

import (
	"cmp"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// placeholder stands for the key in a host or a path.
const placeholder = "{key}"

// Compare orders templates: where two of them match a request, the one that comes first gets it. That is the older one; of two
// of the same second, the one whose namespace comes first, and then whose name does.
func Compare(a, b metav1.Object) int {
	return cmp.Or(
		a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time),
		cmp.Compare(a.GetNamespace(), b.GetNamespace()),
		cmp.Compare(a.GetName(), b.GetName()),
	)
}

// Taken gives the routes of t that never get a request, because a template that comes before t gets all of them; nil: there is
// none. Of several that do, the first is named.
func Taken(t *v1alpha1.SessionTemplate, all []v1alpha1.SessionTemplate) []v1alpha1.TakenRoute {
	var taken []v1alpha1.TakenRoute
	for i, r := range t.Spec.Routes {
		if by := taker(t, r, all); by != nil {
			taken = append(taken, v1alpha1.TakenRoute{Route: int32(i), Namespace: by.Namespace, Template: by.Name})
		}
	}
	return taken
}

// taker is the first template that has all requests which a route of t would match.
func taker(t *v1alpha1.SessionTemplate, r v1alpha1.Route, all []v1alpha1.SessionTemplate) *v1alpha1.SessionTemplate {
	var first *v1alpha1.SessionTemplate
	for i := range all {
		other := &all[i]
		if Compare(other, t) < 0 && Routed(other) && alike(other, t) && covered(r, t, other) && (first == nil || Compare(other, first) < 0) {
			first = other
		}
	}
	return first
}

// Routed says whether gateways route to a template: not to one that was found to be broken.
func Routed(t *v1alpha1.SessionTemplate) bool {
	return !meta.IsStatusConditionFalse(t.Status.Conditions, v1alpha1.ConditionAccepted)
}

// Meet says whether a change of one of two templates may change which routes the other one has.
func Meet(a, b *v1alpha1.SessionTemplate) bool {
	if Compare(b, a) < 0 {
		a, b = b, a
	}
	if !alike(a, b) {
		return false
	}
	for _, r := range b.Spec.Routes {
		if covered(r, b, a) {
			return true
		}
	}
	return false
}

// alike says whether two templates are looked for by the same clients: those of raw TCP are not found by requests.
func alike(a, b *v1alpha1.SessionTemplate) bool {
	return (a.Spec.Protocol == v1alpha1.ProtocolTCP) == (b.Spec.Protocol == v1alpha1.ProtocolTCP)
}

// covered says whether a template has all requests that a route of t would match.
func covered(r v1alpha1.Route, t, by *v1alpha1.SessionTemplate) bool {
	for _, other := range by.Spec.Routes {
		if covers(other, r) && (r.Claim == "" || trusts(by, t)) {
			return true
		}
	}
	return false
}

// trusts says whether a takes each JSON Web Token that t takes.
func trusts(a, t *v1alpha1.SessionTemplate) bool {
	if a.Spec.Access == nil || t.Spec.Access == nil {
		return false
	}
	for _, issuer := range t.Spec.Access.JWT {
		if !slices.ContainsFunc(a.Spec.Access.JWT, func(i v1alpha1.JWTIssuer) bool { return reflect.DeepEqual(i, issuer) }) {
			return false
		}
	}
	return true
}

// covers says whether each request that r matches is matched by a, too.
func covers(a, r v1alpha1.Route) bool {
	switch {
	case r.Host != "":
		return a.Host != "" && coversHost(a.Host, r.Host)
	case r.Path != "":
		return a.Path != "" && coversPath(a.Path, r.Path)
	case r.Header != "":
		return http.CanonicalHeaderKey(a.Header) == http.CanonicalHeaderKey(r.Header)
	case r.Cookie != "":
		return a.Cookie == r.Cookie
	case r.Claim != "":
		return a.Claim == r.Claim
	}
	return a.Query == r.Query
}

// coversHost: the labels around the key's are the same, and what a wants of the key's label, r wants as well.
func coversHost(a, r string) bool {
	aBefore, aBehind, _ := strings.Cut(a, placeholder)
	rBefore, rBehind, _ := strings.Cut(r, placeholder)
	return strings.HasPrefix(rBefore, aBefore) && !strings.Contains(rBefore[len(aBefore):], ".") &&
		strings.HasSuffix(rBehind, aBehind) && !strings.Contains(rBehind[:len(rBehind)-len(aBehind)], ".")
}

// coversPath: a takes the segment for the key that stands in r, or the same one as r.
func coversPath(a, r string) bool {
	aPrefix, _, _ := strings.Cut(a, placeholder)
	rPrefix, _, _ := strings.Cut(r, placeholder)
	return strings.HasPrefix(rPrefix, aPrefix)
}
