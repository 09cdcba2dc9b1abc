package resolve

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// Bearer is the token in the header Authorization, if there is exactly one.
func Bearer(h http.Header) (string, bool) {
	values := h["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// byClaim finds the key in a claim of the bearer token, where nothing else of the request names one: so that it depends on no token where a
// request goes that says it. The first template has it whose issuers have signed the token. Where one of them should have, and the
// token is not good, the error says why; else it is NoRoute.
func (ix *index) byClaim(r *http.Request, path string, now func() time.Time) (match, error) {
	none := error(&answer.Problem{Reason: answer.ReasonNoRoute})
	token, ok := Bearer(r.Header)
	if !ok || len(ix.claims) == 0 {
		return match{}, none
	}
	which, key, err := access.FirstClaim(token, ix.wanted, now())
	if err == nil {
		return match{candidate: ix.claims[which], key: key, path: path, place: inClaim}, nil
	}
	var bad *access.InvalidError
	if errors.As(err, &bad) {
		return match{}, &answer.Problem{Reason: answer.ReasonUnauthenticated, Detail: bad.Why, Outcome: answer.OutcomeNotSent}
	}
	return match{}, none
}
