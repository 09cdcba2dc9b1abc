package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/gateway/admission"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// ownCookie is the beginning of the names of the gateway's own cookies. A pod neither sees nor sets one: on a host that sessions
// share, it would be that of another session.
const ownCookie = "__Host-dormouse"

// isOwnCookie takes a cookie without a name for what it becomes: a browser sends its value alone, which may be a name and a value.
func isOwnCookie(pair string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(pair, " \t="), "=")
	name = strings.Trim(name, " \t")
	return name == admission.PlainCookie || len(name) >= len(ownCookie) && strings.EqualFold(name[:len(ownCookie)], ownCookie)
}

// keepCookies takes the gateway's own cookies out of a request. One without them is left as it is.
func keepCookies(h http.Header) {
	lines := h["Cookie"]
	if !slices.ContainsFunc(lines, hasOwnCookie) {
		return
	}
	h.Del("Cookie")
	for _, line := range lines {
		pairs := slices.DeleteFunc(strings.Split(line, ";"), isOwnCookie)
		if rest := strings.TrimLeft(strings.Join(pairs, ";"), " \t"); rest != "" {
			h.Add("Cookie", rest)
		}
	}
}

func hasOwnCookie(line string) bool {
	for pair := range strings.SplitSeq(line, ";") {
		if isOwnCookie(pair) {
			return true
		}
	}
	return false
}

// confineCookies drops the cookies of an answer that other sessions would get: those for a domain wider than the host of the
// request, and those that look like the gateway's.
func confineCookies(h http.Header, hostport string) {
	if len(h["Set-Cookie"]) == 0 {
		return
	}
	host, _ := front.ParseHost(hostport)
	kept := slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return isOwnCookie(line) || isWider(line, host) })
	if len(kept) == 0 {
		h.Del("Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
}

// isWider says whether a Set-Cookie has a Domain that is neither the host nor below it. Of several the last one counts, RFC 6265
// section 5.3, but not for everybody: none of them may be wider.
func isWider(line, host string) bool {
	_, attributes, _ := strings.Cut(line, ";")
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(attribute, "=")
		if !strings.EqualFold(strings.Trim(name, " \t"), "Domain") {
			continue
		}
		domain := strings.ToLower(strings.TrimPrefix(strings.Trim(value, " \t"), "."))
		if domain != "" && domain != host && !strings.HasSuffix(domain, "."+host) {
			return true
		}
	}
	return false
}
