package gateway_test

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/h1"
)

// before is what a client hears before the answer. A pod of HTTP/1.1 is asked once by our own road, and once by net/http's proxy.
func before(t *testing.T, w *world, proxied bool) (headers []http.Header, res *http.Response, body string) {
	t.Helper()
	r := w.request(http.MethodGet, "a", "/", nil)
	if proxied {
		r.Header.Set("Grpc-Timeout", "1H")
	}
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		headers = append(headers, http.Header(h))
		return nil
	}}))
	res, body = w.do(r)
	return headers, res, body
}

// roads are what leads to a pod.
var roads = map[string]bool{"our own road": false, "the road of a proxy": true}

// What a pod says before its answer has the header that the answer may have: no cookie for others, nothing of the connection, and nothing that is for us, or ours.
func TestHeaderBeforeTheAnswer(t *testing.T) {
	for name, proxied := range roads {
		t.Run(name, func(t *testing.T) {
			w := awake(t, func(rw http.ResponseWriter, _ *http.Request) {
				h := rw.Header()
				for name, values := range map[string][]string{
					"Link": {"a", "b"}, "Set-Cookie": {"a=1; Domain=chess.test", "b=2", "__Host-dormouse=3"}, "Proxy-Authenticate": {"Basic"},
					"Dormouse-Reason": {"Gone"}, "Session-Busy": {"1m"},
				} {
					h[name] = values
				}
				rw.WriteHeader(http.StatusEarlyHints)
				clear(h)
				h.Set("X-Last", "1")
			})
			headers, res, _ := before(t, w, proxied)
			if len(headers) != 1 || res.StatusCode != http.StatusOK {
				t.Fatalf("%s, and before it %v", res.Status, headers)
			}
			if got := headers[0]; len(got) != 2 || len(got["Link"]) != 2 || len(got["Set-Cookie"]) != 1 || got.Get("Set-Cookie") != "b=2" {
				t.Errorf("before the answer came %v", got)
			}
			if res.Header.Get("X-Last") == "" || res.Header.Get("Link") != "" {
				t.Errorf("the answer has %v", res.Header)
			}
		})
	}
}

// A pod may say much before its answer, but not for ever.
func TestAnswersBeforeTheAnswerAreBounded(t *testing.T) {
	for name, proxied := range roads {
		for more, status := range []int{http.StatusOK, http.StatusBadGateway} {
			t.Run(name+", "+http.StatusText(status), func(t *testing.T) {
				w := awake(t, func(rw http.ResponseWriter, _ *http.Request) {
					for range h1.MostInformed + more {
						rw.WriteHeader(http.StatusProcessing)
					}
				})
				headers, res, body := before(t, w, proxied)
				if len(headers) != h1.MostInformed || res.StatusCode != status {
					t.Errorf("%s, and %d answers before it", res.Status, len(headers))
				}
				if status != http.StatusOK {
					wantProblem(t, res, body, status, answer.ReasonBadAnswer)
				}
			})
		}
	}
}

// A client of HTTP/1.0 knows of no answer before the answer.
func TestNothingBeforeTheAnswerOfHTTP10(t *testing.T) {
	w := awake(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusEarlyHints)
		rw.WriteHeader(http.StatusAccepted)
	})
	if res, _ := w.raw("GET / HTTP/1.0", host); res.StatusCode != http.StatusAccepted {
		t.Error(res.Status)
	}
}
