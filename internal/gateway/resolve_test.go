package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/key"
)

func TestParseHost(t *testing.T) {
	long := strings.Repeat("a.", 126) + "a"
	for in, want := range map[string]string{
		"a": "a", "A.Test": "a.test", "a.test:1": "a.test", "a.test:65535": "a.test", "10.0.0.1:80": "10.0.0.1", long: long,
		"[::1]": "::1", "[::1]:80": "::1", "[2001:DB8::0]": "2001:db8::", "xn--bcher-kva.test": "xn--bcher-kva.test",
		"": "", ":80": "", "a:": "", "a:0": "", "a:01": "", "a:+1": "", "a:65536": "", "a:80:80": "", "a.": "", ".a": "",
		"a..b": "", "a_b": "", "-a": "", "a-.b": "", "a b": "", "u@a": "", "a/b": "", "日本": "", "a,b": "", long + ".a": "",
		"::1": "", "[::1": "", "[::1]80": "", "[::1%eth0]": "", "[10.0.0.1]": "", "[]": "", "a\x00": "",
	} {
		got, ok := parseHost(in)
		if ok != (want != "") || ok && got != want {
			t.Errorf("parseHost(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

// What parseHost gives it takes again, and gives again: nobody can spell one host twice.
func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"a.test:80", "[::1]:80", "A", "a.", "KEY_1,x.example.com.:80", "\xff"} {
		f.Add(s)
	}
	plain := regexp.MustCompile(`^[0-9a-z:.-]{1,253}$`)
	f.Fuzz(func(t *testing.T, s string) {
		host, ok := parseHost(s)
		if !ok {
			return
		}
		again := host
		if strings.Contains(host, ":") {
			again = "[" + host + "]"
		}
		if got, ok := parseHost(again); !ok || got != host || !plain.MatchString(host) {
			t.Fatalf("parseHost(%q) = %q; of that it is %q, %v", s, host, got, ok)
		}
	})
}

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
		var p *Problem
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
	var p *Problem
	if _, err := table.Resolve(r); !errors.As(err, &p) || p.Reason != ReasonKeyRejected {
		t.Errorf("got %v", err)
	}
}
