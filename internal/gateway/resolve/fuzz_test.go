package resolve

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/key"
)

// 004-02: whatever a client sends, it reaches a session only by a key that this session's name stands for, and the pod sees the rest
// of the path as it was.
func FuzzResolve(f *testing.F) {
	f.Add("/t/a/x", "x", "", "")
	f.Add("/t/%2e%2e/x", "a.t.test", "", "")
	f.Add("/t/a%2fb/../c", "a.t.test:80", "é", "k=b")
	f.Add("//t/a|b#c", "", "k", "")
	f.Add("/?k=a&%6b=b", "a--t.test", "", "k=a; k=b")
	var table Table
	table.Set([]Template{template("t", Route{Host: "{key}.t.test"}, Route{Path: "/t/{key}/"}, Route{Header: "X-Key"},
		Route{Host: "eu.t-{key}--u.test"}, Route{Host: "{key}--t.test"}, Route{Cookie: "k"}, Route{Query: "k"})})
	f.Fuzz(func(t *testing.T, target, host, header, cookie string) {
		r, err := read(t, "GET "+target+" HTTP/1.1", "Host: "+host, "X-Key: "+header, "Cookie: "+cookie)
		if err != nil {
			return
		}
		got, err := table.Resolve(r)
		if err != nil {
			return
		}
		name, err := key.Name("t", got.Key)
		if err != nil || got.ID.Name != name || got.ID.Namespace != "ns" {
			t.Fatalf("key %q is %v, and its name is %q, %v", got.Key, got.ID, name, err)
		}
		path, _, _ := strings.Cut(r.RequestURI, "?")
		if got.PathPrefix+got.Path != path && got.PathPrefix+got.Path != path+"/" {
			t.Fatalf("%q became %q and %q", path, got.PathPrefix, got.Path)
		}
		if got.PathPrefix != "" && strings.Contains(got.Key, "/") {
			t.Fatalf("key %q from %q", got.Key, path)
		}
	})
}

// Two hosts that lead to one key of a rule are one host: a rule can be turned round.
func FuzzHostKey(f *testing.F) {
	f.Add("eu.", "t-", "--u", ".test", "eu.t-a--u.test")
	f.Add("", "", "", ".t.test", "A.T.Test:80")
	f.Add("", "", "--t", ".test", "--t.test")
	f.Fuzz(func(t *testing.T, before, head, tail, behind, host string) {
		rule := before + head + placeholder + tail + behind
		if before != "" && !strings.HasSuffix(before, ".") || !strings.HasPrefix(behind, ".") || strings.Contains(head+tail, ".") ||
			strings.Count(rule, placeholder) > 1 || strings.ToLower(rule) != rule {
			return
		}
		var table Table
		table.Set([]Template{template("t", Route{Host: rule})})
		r := &http.Request{Method: http.MethodGet, Host: host, RequestURI: "/", URL: &url.URL{Path: "/"}, Header: http.Header{}, ProtoMajor: 1, ProtoMinor: 1}
		got, err := table.Resolve(r)
		if err != nil {
			return
		}
		if parsed, _ := front.ParseHost(host); strings.Replace(rule, placeholder, got.Key, 1) != parsed || strings.Contains(got.Key, ".") {
			t.Fatalf("host %q has the key %q by %q", parsed, got.Key, rule)
		}
	})
}

// The key of a query is what everybody reads there who reads it at all.
func FuzzQueryKey(f *testing.F) {
	for _, s := range []string{"k=a", "a=1&k=b+c&d", "k=a&%6b=b", "k=a;k=b", "k=%zz", "x;k=1&k=2", "%6B=%2f", "k", "&&k=a&"} {
		f.Add(s)
	}
	var table Table
	table.Set([]Template{template("t", Route{Query: "k"})})
	f.Fuzz(func(t *testing.T, query string) {
		r, err := read(t, "GET /?"+query+" HTTP/1.1", "Host: test")
		if err != nil {
			return
		}
		got, err := table.Resolve(r)
		if err != nil {
			return
		}
		values, _ := url.ParseQuery(r.URL.RawQuery) // it goes on behind what it cannot read
		if all := values["k"]; len(all) != 1 || all[0] != got.Key {
			t.Fatalf("%q has the key %q, and others read %q", query, got.Key, all)
		}
	})
}

// The key of a cookie is what net/http reads there, if it reads one at all.
func FuzzCookieKey(f *testing.F) {
	for _, s := range []string{"k=a", "a=1; k=b%20c;d", "k=a; k=b", `k="a"`, "k=%zz", " k =a", "k", "k=a=b", "k=;k=a", "k=a;k ="} {
		f.Add(s)
	}
	var table Table
	table.Set([]Template{template("t", Route{Cookie: "k"})})
	f.Fuzz(func(t *testing.T, cookie string) {
		r, err := read(t, "GET / HTTP/1.1", "Host: test", "Cookie: "+cookie)
		if err != nil {
			return
		}
		got, err := table.Resolve(r)
		if err != nil {
			return
		}
		for _, c := range r.CookiesNamed("k") {
			if k, err := url.PathUnescape(c.Value); err != nil || k != got.Key {
				t.Fatalf("%q has the key %q, and others read %q", cookie, got.Key, c.Value)
			}
		}
	})
}
