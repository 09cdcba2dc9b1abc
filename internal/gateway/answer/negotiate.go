package answer

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/gateway/websocket"
)

// negotiated are the headers of a request that decide on the form of an answer.
const negotiated = "Accept, Sec-Fetch-Mode"

// Navigates says whether r is a browser on its way to a page. Browsers say so themselves, but not over plain HTTP: there it is
// who would rather have HTML than JSON.
func Navigates(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || websocket.Asked(r) {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	accept := strings.Join(r.Header["Accept"], ",")
	return quality(accept, "text", "html") > max(quality(accept, "application", "json"), quality(accept, "application", "problem+json"))
}

// quality is how much a client wants a type by its Accept, from 0 to 1: what the most specific range says that includes it
// (RFC 9110, section 12.5.1).
func quality(accept, typ, subtype string) float64 {
	most, q := 0, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		rng, params, _ := strings.Cut(part, ";")
		of := specific(strings.ToLower(strings.TrimSpace(rng)), typ, subtype)
		if of > most {
			most, q = of, weight(params)
		}
	}
	return q
}

// specific is how exactly a range names a type; zero: not at all.
func specific(rng, typ, subtype string) int {
	switch rng {
	case typ + "/" + subtype:
		return 3
	case typ + "/*":
		return 2
	case "*/*":
		return 1
	}
	return 0
}

// weight is the q among the parameters of a range. One that is none is not wanted.
func weight(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
