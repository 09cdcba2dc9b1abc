package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Seen is a request as the workload saw it.
type Seen struct {
	Method string      `json:"method"`
	URI    string      `json:"uri"` // the request target, byte for byte
	Host   string      `json:"host"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
}

// echoHeader asks Echo for a header in its answer: "Echo: Set-Cookie: a=1".
const echoHeader = "Echo"

// Echo is the workload that the probes need: it answers every request, whatever its method and path, with what it saw, in JSON,
// once it has read the whole body. What the headers "Echo" of the request say is in the headers of the answer.
func Echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	for _, line := range r.Header[echoHeader] {
		name, value, _ := strings.Cut(line, ":")
		w.Header().Add(name, strings.TrimSpace(value))
	}
	_ = json.NewEncoder(w).Encode(Seen{r.Method, r.RequestURI, r.Host, r.Header, string(body)}) // fails only if the client is gone
}
