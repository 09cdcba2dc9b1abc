package gateway

import (
	"net/http"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// acmePath is where a certificate authority looks for a proof, without TLS. RFC 8555 section 8.3.
const acmePath = "/.well-known/acme-challenge/"

// redirect sends those who came without TLS to the same with it, if RedirectHTTPS says so.
func (g *Gateway) redirect(next http.Handler) http.Handler {
	if !g.RedirectHTTPS {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.Proxies.Scheme(r) == "https" || strings.HasPrefix(r.URL.Path, acmePath) {
			next.ServeHTTP(w, r)
			return
		}
		g.answer(w, r, secureLocation(r))
	})
}

// secureLocation is the Problem HTTPSOnly, or what is wrong with the request.
func secureLocation(r *http.Request) *answer.Problem {
	host, ok := front.ParseHost(r.Host)
	if !ok {
		return &answer.Problem{Reason: answer.ReasonBadHost}
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if _, ok := resolve.Path(r); !ok {
		return &answer.Problem{Reason: answer.ReasonBadTarget}
	}
	return &answer.Problem{Reason: answer.ReasonHTTPSOnly, Location: "https://" + host + r.RequestURI}
}
