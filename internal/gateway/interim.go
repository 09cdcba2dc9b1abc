package gateway

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/h1"
)

// inform passes on an answer that comes before the answer, but to a client of HTTP/1.0, which would take it for the answer.
func (x *exchange) inform(status int, from http.Header) {
	dropHopByHop(from)
	x.confine(from)
	if !x.in.ProtoAtLeast(1, 1) {
		return
	}
	h := x.client.Header()
	for name, values := range from {
		h[name] = append(h[name], values...)
	}
	x.client.WriteHeader(status)
	clear(h)
}

// confine leaves in the header of an answer, or of one before it, what a pod may say to the client of its own session.
func (x *exchange) confine(h http.Header) {
	h.Del(answer.HeaderReason)
	confineCookies(h, x.in.Host)
	x.hear(h)
}

// informing is what hears the answers before the answer where net/http speaks to the pod.
type informing struct {
	exchange *exchange

	mu   sync.Mutex
	n    int
	over bool // the answer is there, or there is none: the client is in other hands
}

// informs has the answers before the answer passed on by us. Httputil's proxy would pass on whatever the pod says, as often as it says it: what it hangs on the
// request's context is left away. Nothing is passed on after end.
func (x *exchange) informs(r *http.Request) (hooked *http.Request, end func()) {
	i := &informing{exchange: x}
	return r.WithContext(httptrace.WithClientTrace(x.in.Context(), &httptrace.ClientTrace{Got1xxResponse: i.got})), i.end
}

// got takes one of them. A 100 is the gateway's own. Its error ends the request.
func (i *informing) got(status int, h textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.n++; i.n > h1.MostInformed {
		return h1.ErrInformed
	}
	if !i.over && status != http.StatusContinue {
		i.exchange.inform(status, http.Header(h))
	}
	return nil
}

func (i *informing) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.over = true
}
