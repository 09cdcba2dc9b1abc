package front_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/gateway/front"
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
		got, ok := front.ParseHost(in)
		if ok != (want != "") || ok && got != want {
			t.Errorf("ParseHost(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

// What ParseHost gives it takes again, and gives again: nobody can spell one host twice.
func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"a.test:80", "[::1]:80", "A", "a.", "KEY_1,x.example.com.:80", "\xff"} {
		f.Add(s)
	}
	plain := regexp.MustCompile(`^[0-9a-z:.-]{1,253}$`)
	f.Fuzz(func(t *testing.T, s string) {
		host, ok := front.ParseHost(s)
		if !ok {
			return
		}
		again := host
		if strings.Contains(host, ":") {
			again = "[" + host + "]"
		}
		if got, ok := front.ParseHost(again); !ok || got != host || !plain.MatchString(host) {
			t.Fatalf("ParseHost(%q) = %q; of that it is %q, %v", s, host, got, ok)
		}
	})
}
