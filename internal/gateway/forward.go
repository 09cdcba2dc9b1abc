package gateway

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"os"
	"sync"
	"sync/atomic"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/grpc"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/gateway/websocket"
	"github.com/dormouse-dev/dormouse/internal/h1"
)

// errUnwritten is a request of which no pod got a byte, and of whose body nothing is lost: it may be sent again.
var errUnwritten = errors.New("nothing was written")

// exchange is one attempt to send one request to one pod.
type exchange struct {
	gateway  *Gateway
	target   *resolve.Target
	seat     seat
	in       *http.Request
	client   http.ResponseWriter
	body     *clientBody
	asked    bool           // the request upgrades
	switched *http.Response // the pod's answer that switches protocols
	offered  *http.Request  // the upgrade as the pod got it, of a connection that hibernates
	seated   bool           // a tunnel has the seat
	request  *h1.Request    // as it was sent over a link of HTTP/1.1; nil: it was not
	start    int64          // bytes written to the link before this request
	control  http.ResponseController
	sent     bool        // to the link, which may have written nothing
	wrote    atomic.Bool // its headers, to a link that others write to as well
	err      error       // why there is no answer of the pod
}

// forward sends a request to the pod at the seat, and its answer to the client. It uses the seat up. Its error says why the
// client has no answer yet: errUnwritten, answer.ErrClientGone or a Problem.
func (g *Gateway) forward(w http.ResponseWriter, r *http.Request, t *resolve.Target, s seat) error {
	x := &exchange{gateway: g, target: t, seat: s, in: r, client: w, start: s.link.conn.written.Load()}
	x.control = *http.NewResponseController(w)
	defer x.leave()
	x.prepare()
	if x.plain() {
		return x.relay(w)
	}
	proxy := httputil.ReverseProxy{
		Rewrite:        x.rewrite,
		Transport:      x,
		ModifyResponse: x.inspect,
		ErrorHandler:   x.fail,
		BufferPool:     &buffers,
		ErrorLog:       quietLog,
	}
	proxy.ServeHTTP(w, r)
	if errors.Is(x.err, errUpgraded) {
		return x.upgrade(w, x.switched)
	}
	return x.err
}

// leave gives the seat back, if no tunnel has it.
func (x *exchange) leave() {
	x.stopBody()
	x.body.leave()
	if x.seated {
		return
	}
	if !x.sent {
		x.seat.link.http.Release()
	}
	x.seat.link.release()
	x.seat.visit.Leave()
}

// prepare puts into the way what has to see the body and the upgrade. An upgrade to anything but WebSocket is none.
func (x *exchange) prepare() {
	if x.in.ContentLength != 0 {
		x.body = &clientBody{from: x.in.Body}
		x.in.Body = x.body
	}
	x.asked = websocket.Asked(x.in) && !x.seat.link.h2c // there is no upgrade in HTTP/2
	if !x.asked {
		x.in.Header.Del("Upgrade")
	}
}

func (x *exchange) rewrite(pr *httputil.ProxyRequest) {
	rewrite(pr, x.target, x.seat.visit.Pod().UID, x.seat.visit.Epoch(), x.gateway.Proxies.Scheme(x.in))
	grpc.Shorten(pr.Out, x.seat.waited)
	if x.body != nil { // what httputil passes on are their names
		x.body.trailers, x.body.ours = x.in.Trailer, pr.Out.Trailer
	}
	x.gateway.propagate(pr.In.Context(), pr.Out.Header)
	if x.asked && x.target.Hibernates {
		christen(pr.Out.Header)
		x.offered = pr.Out
	}
}

// RoundTrip sends the request over the seat's link, once.
func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	x.sent = true
	r, end := x.informs(r)
	defer end()
	if x.seat.link.h2c {
		r = x.shared(r)
	}
	return x.seat.link.http.RoundTrip(r)
}

// inspect looks at the pod's answer before the client gets it.
func (x *exchange) inspect(res *http.Response) error {
	x.seat.waking.reached(phaseFirstByte)
	x.confine(res.Header)
	if x.seat.waited > 0 {
		res.Header.Add(headerServerTiming, serverTiming(x.seat.waited))
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil
	}
	if !x.asked || !websocket.Joined(res) {
		return &answer.Problem{Reason: answer.ReasonBadAnswer, Detail: "an upgrade that nobody asked for", Outcome: answer.OutcomeUnknown}
	}
	kept := *res
	x.switched, res.Body = &kept, http.NoBody // which httputil closes
	return errUpgraded
}

// fail keeps the error for whoever called forward.
func (x *exchange) fail(_ http.ResponseWriter, _ *http.Request, err error) {
	x.err = x.classify(err)
}

// classify says whose fault it is that there is no answer.
func (x *exchange) classify(err error) error {
	var p *answer.Problem
	conn := x.seat.link.conn
	switch {
	case errors.Is(x.body.fault(), os.ErrDeadlineExceeded): // first: net/http takes it for a client that has gone
		return &answer.Problem{Reason: answer.ReasonSlowBody, Outcome: answer.OutcomeUnknown}
	case errors.Is(err, errUpgraded):
		return errUpgraded
	case x.clientGone():
		return answer.ErrClientGone
	case errors.As(err, &p):
		return p
	case x.body.fault() != nil:
		return &answer.Problem{Reason: answer.ReasonBadBody, Outcome: answer.OutcomeUnknown}
	case x.unwritten(err) && !x.body.touched():
		return errUnwritten
	case x.unwritten(err):
		return &answer.Problem{Reason: answer.ReasonPodUnreachable, Outcome: answer.OutcomeNotSent}
	case conn.broken.Load():
		return &answer.Problem{Reason: answer.ReasonPodDied, Outcome: answer.OutcomeUnknown}
	}
	return x.badAnswer(err)
}

// clientGone says whether nobody waits for an answer. An end of the read that was our own doing ends the context too.
func (x *exchange) clientGone() bool {
	return x.in.Context().Err() != nil && !x.body.interrupted()
}

// quietLog drops what httputil says of a client or a pod that broke off: the access log has it.
var quietLog = log.New(io.Discard, "", 0)

// buffers are what bodies are copied through.
var buffers bufferPool

// copySize is what httputil would take for each answer.
const copySize = 32 << 10

type bufferPool struct{ pool sync.Pool }

// Get gives a buffer.
func (b *bufferPool) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, copySize)
}

// Put takes it back.
func (b *bufferPool) Put(p []byte) { b.pool.Put(&p) }
