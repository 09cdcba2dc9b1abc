package route_test

import (
	"bufio"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/route"
)

func template(name string, born int64, routes ...v1alpha1.Route) v1alpha1.SessionTemplate {
	return v1alpha1.SessionTemplate{
		ObjectMeta: metav1.ObjectMeta{Namespace: "games", Name: name, CreationTimestamp: metav1.NewTime(time.Unix(born, 0))},
		Spec:       v1alpha1.SessionTemplateSpec{Routes: routes},
	}
}

func broken(t v1alpha1.SessionTemplate) v1alpha1.SessionTemplate {
	t.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionFalse}}
	return t
}

func raw(t v1alpha1.SessionTemplate) v1alpha1.SessionTemplate {
	t.Spec.Protocol = v1alpha1.ProtocolTCP
	return t
}

func TestTaken(t *testing.T) {
	a := v1alpha1.Route{Host: "{key}.a.test"}
	for _, tt := range []struct {
		name string
		all  []v1alpha1.SessionTemplate
		want string // who has the route of the template "b" of second 5
	}{
		{"by the older", []v1alpha1.SessionTemplate{template("z", 4, a)}, "z"},
		{"not by the younger", []v1alpha1.SessionTemplate{template("a", 6, a)}, ""},
		{"of the same second, by the name that comes first", []v1alpha1.SessionTemplate{template("c", 5, a), template("a", 5, a)}, "a"},
		{"by the oldest of several", []v1alpha1.SessionTemplate{template("y", 4, a), template("x", 3, a), template("w", 4, a)}, "x"},
		{"not by one that is broken", []v1alpha1.SessionTemplate{broken(template("a", 1, a))}, ""},
		{"not by one of raw TCP", []v1alpha1.SessionTemplate{raw(template("a", 1, a))}, ""},
		{"not by another route", []v1alpha1.SessionTemplate{template("a", 1, v1alpha1.Route{Host: "{key}.c.test"})}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := template("b", 5, v1alpha1.Route{Header: "X-B"}, a)
			got := route.Taken(&b, append(tt.all, b))
			if tt.want == "" && got != nil {
				t.Errorf("taken: %v", got)
			}
			if want := []v1alpha1.TakenRoute{{Route: 1, Namespace: "games", Template: tt.want}}; tt.want != "" && !slices.Equal(got, want) {
				t.Errorf("taken: %v, want %v", got, want)
			}
		})
	}
}

// A claim is taken by whoever takes the same tokens.
func TestTakenClaim(t *testing.T) {
	claims := func(name string, born int64, claim string, issuers ...v1alpha1.JWTIssuer) v1alpha1.SessionTemplate {
		t := template(name, born, v1alpha1.Route{Claim: claim})
		t.Spec.Access = &v1alpha1.AccessSpec{JWT: issuers}
		return t
	}
	one, two := v1alpha1.JWTIssuer{Issuer: "one", JWKS: "1"}, v1alpha1.JWTIssuer{Issuer: "two", JWKS: "2"}
	other := one
	other.Audiences = []string{"other"}
	b := claims("b", 5, "sub", one)
	for name, tt := range map[string]struct {
		older v1alpha1.SessionTemplate
		taken bool
	}{
		"the same issuer":        {claims("a", 1, "sub", one), true},
		"one more":               {claims("a", 1, "sub", two, one), true},
		"another issuer":         {claims("a", 1, "sub", two), false},
		"for another audience":   {claims("a", 1, "sub", other), false},
		"another claim":          {claims("a", 1, "table", one), false},
		"no claim":               {template("a", 1, v1alpha1.Route{Query: "sub"}), false},
		"without any credential": {template("a", 1, v1alpha1.Route{Claim: "sub"}), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := route.Taken(&b, []v1alpha1.SessionTemplate{tt.older, b}); (len(got) > 0) != tt.taken {
				t.Errorf("taken: %v", got)
			}
			if route.Meet(&tt.older, &b) != tt.taken {
				t.Error("and whether they meet is another thing")
			}
		})
	}
}

var routes = rapid.Custom(func(t *rapid.T) v1alpha1.Route {
	pick := func(of ...string) string { return rapid.SampledFrom(of).Draw(t, "part") }
	switch pick("host", "path", "header", "cookie", "query") {
	case "host":
		return v1alpha1.Route{Host: pick("", "eu.", "eu.us.") + pick("", "a-", "a-b-") + "{key}" + pick("", "-b", "-a-b", "--b") + pick(".test", ".a.test", ".b.a.test")}
	case "path":
		return v1alpha1.Route{Path: pick("", "/a", "/b") + pick("", "/a", "/b") + "/{key}/"}
	case "header":
		return v1alpha1.Route{Header: pick("X-Table", "x-table", "X-Room")}
	case "cookie":
		return v1alpha1.Route{Cookie: pick("table", "Table")}
	}
	return v1alpha1.Route{Query: pick("table", "Table")}
})

// request is one that a route matches.
func request(t *rapid.T, r v1alpha1.Route, key string) *http.Request {
	host, path, line := strings.ReplaceAll(r.Host, "{key}", key), strings.ReplaceAll(r.Path, "{key}", key), ""
	switch {
	case r.Header != "":
		line = r.Header + ": " + key + "\r\n"
	case r.Cookie != "":
		line = "Cookie: " + r.Cookie + "=" + key + "\r\n"
	case r.Query != "":
		path = "/?" + r.Query + "=" + key
	}
	if host == "" {
		host = "nobody.example"
	}
	if path == "" {
		path = "/"
	}
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + line + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// 004-02: operator and gateway agree on who gets a request: a route is taken if, and only if, none of its requests comes through.
func TestTakenIsWhatTheGatewayDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		older := template("older", 1, rapid.SliceOfN(routes, 1, 3).Draw(t, "older")...)
		r := routes.Draw(t, "younger")
		younger := template("younger", 2, r)
		var table resolve.Table
		table.Set([]resolve.Template{known(older), known(younger)})
		through := false
		for _, key := range []string{"q7", "a-q7", "q7-b", "a-b-q7-a-b", rapid.StringMatching("[a-z0-9]{1,9}").Draw(t, "key")} {
			target, err := table.Resolve(request(t, r, key))
			if err != nil {
				t.Fatalf("%+v with %q: %v", r, key, err)
			}
			through = through || target.Name == "younger"
		}
		taken := route.Taken(&younger, []v1alpha1.SessionTemplate{younger, older})
		if (len(taken) > 0) == through {
			t.Fatalf("%+v beside %+v: taken %v, and a request comes through: %v", r, older.Spec.Routes, taken, through)
		}
		if !through && !route.Meet(&older, &younger) {
			t.Fatal("one takes a route of the other, and a change of one does not matter to the other")
		}
	})
}

func known(t v1alpha1.SessionTemplate) resolve.Template {
	out := resolve.Template{Namespace: t.Namespace, Name: t.Name, Pattern: regexp.MustCompile(`.+`)}
	for _, r := range t.Spec.Routes {
		out.Routes = append(out.Routes, resolve.Route{Host: r.Host, Path: r.Path, Header: r.Header, Cookie: r.Cookie, Query: r.Query})
	}
	return out
}
