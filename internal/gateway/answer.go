package gateway

import (
	"errors"
	"net/http"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// answer tells the client why it gets no answer of a pod, in the form that it asks for. A client that is gone is told nothing.
func (g *Gateway) answer(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, answer.ErrClientGone) {
		panic(http.ErrAbortHandler)
	}
	var p *answer.Problem
	if !errors.As(err, &p) {
		p = &answer.Problem{Reason: answer.ReasonInternal}
	}
	if p.AnswerGRPC(w, r) {
		return
	}
	p.Header(w.Header())
	if answer.Navigates(r) {
		g.showPage(w, r, p)
		return
	}
	p.Write(w)
}
