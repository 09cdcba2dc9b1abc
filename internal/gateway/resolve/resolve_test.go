package resolve

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/key"
)

func pattern(expr string) *regexp.Regexp {
	re, err := key.Pattern(expr)
	if err != nil {
		panic(err)
	}
	return re
}

func template(name string, routes ...Route) Template {
	return Template{Namespace: "ns", Name: name, Pattern: pattern(`.+`), Routes: routes}
}

func read(t testing.TB, lines ...string) (*http.Request, error) {
	t.Helper()
	return http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n")))
}

// The older template wins, which is the one given first; within one, the first route.
func TestFirstMatchWins(t *testing.T) {
	var table Table
	table.Set([]Template{
		template("none"),
		template("old", Route{Path: "/games/chess/{key}/"}, Route{Host: "{key}.a.test"}, Route{Header: "x-key"}),
		template("new", Route{Host: "{key}.a.test"}, Route{Host: "eu.{key}.b.test"}, Route{Path: "/games/{key}/"}, Route{Path: "/{key}/"}),
	})
	for _, tt := range []struct{ target, host, header, want string }{
		{"/", "k.a.test", "", "old k"},
		{"/games/chess/p/", "k.a.test", "", "old p"},
		{"/", "eu.k.b.test", "", "new k"},
		{"/", "us.k.b.test", "", "NoRoute"},
		{"/", "eu.k.b.test.x", "", "NoRoute"},
		{"/games/chess/", "x", "", "new chess"},
		{"/games/chess/p", "x", "", "SlashMissing"},
		{"/games/", "x", "", "new games"},
		{"/one/two/three/", "x", "", "new one"},
		{"//", "x", "", "NoRoute"},
		{"/games//x", "x", "", "new games"},
		{"/one/two", "x", "h", "old h"},
		{"/games/two/", "k.a.test", "h", "old k"},
	} {
		r, err := read(t, "GET "+tt.target+" HTTP/1.1", "Host: "+tt.host, "X-Key: "+tt.header)
		if err != nil {
			t.Fatal(err)
		}
		target, err := table.Resolve(r)
		got := ""
		if err == nil {
			got = fmt.Sprint(target.Name, " ", target.Key)
		}
		var p *answer.Problem
		if errors.As(err, &p) {
			got = string(p.Reason)
		}
		if got != tt.want {
			t.Errorf("%s at %s is %q, want %q", tt.target, tt.host, got, tt.want)
		}
	}
}

func TestNilPatternMatchesNothing(t *testing.T) {
	var table Table
	tmpl := template("t", Route{Host: "{key}.t.test"})
	tmpl.Pattern = nil
	table.Set([]Template{tmpl})
	r, err := read(t, "GET / HTTP/1.1", "Host: a.t.test")
	if err != nil {
		t.Fatal(err)
	}
	var p *answer.Problem
	if _, err := table.Resolve(r); !errors.As(err, &p) || p.Reason != answer.ReasonKeyRejected {
		t.Errorf("got %v", err)
	}
}
