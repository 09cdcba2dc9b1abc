package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// No cookie of a session has a domain that is not its host or below it, and its line is never changed.
func FuzzConfineCookies(f *testing.F) {
	f.Add("a=1; Domain=.test")
	f.Add("a=1; domain = a.t.test ;Path=/")
	f.Add("__Host-dormouse=1")
	f.Fuzz(func(t *testing.T, line string) {
		h := http.Header{"Set-Cookie": {line}}
		confineCookies(h, "a.t.test")
		kept := h["Set-Cookie"]
		if len(kept) > 1 || len(kept) == 1 && kept[0] != line {
			t.Fatalf("%q became %q", line, kept)
		}
		c, err := http.ParseSetCookie(line)
		if err != nil || len(kept) == 0 {
			return
		}
		domain := strings.ToLower(strings.TrimPrefix(strings.Trim(c.Domain, " \t"), ".")) // as RFC 6265 has it
		if domain != "" && domain != "a.t.test" && !strings.HasSuffix(domain, ".a.t.test") || strings.HasPrefix(c.Name, ownCookie) {
			t.Fatalf("%q came through, for %q", line, c.Domain)
		}
	})
}
