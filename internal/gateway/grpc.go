package gateway

import (
	"fmt"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of gRPC over HTTP/2. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
const (
	headerGRPCTimeout  = "Grpc-Timeout"
	headerGRPCStatus   = "Grpc-Status"
	headerGRPCMessage  = "Grpc-Message"
	headerGRPCPushback = "Grpc-Retry-Pushback-Ms"
)

// Status codes of gRPC.
const (
	grpcUnknown            = 2
	grpcInvalidArgument    = 3
	grpcDeadlineExceeded   = 4
	grpcNotFound           = 5
	grpcPermissionDenied   = 7
	grpcResourceExhausted  = 8
	grpcFailedPrecondition = 9
	grpcUnimplemented      = 12
	grpcInternal           = 13
	grpcUnavailable        = 14
	grpcUnauthenticated    = 16
)

// grpcCodes has the code of each status of a Problem. One that is not there is Unknown.
var grpcCodes = map[int]int{
	http.StatusPermanentRedirect:   grpcFailedPrecondition, // gRPC follows none
	http.StatusBadRequest:          grpcInvalidArgument,
	http.StatusUnauthorized:        grpcUnauthenticated,
	http.StatusForbidden:           grpcPermissionDenied,
	http.StatusNotFound:            grpcNotFound,
	http.StatusMethodNotAllowed:    grpcUnimplemented,
	http.StatusRequestTimeout:      grpcDeadlineExceeded,
	http.StatusGone:                grpcFailedPrecondition,
	http.StatusTooManyRequests:     grpcResourceExhausted,
	http.StatusInternalServerError: grpcInternal,
	http.StatusBadGateway:          grpcUnavailable,
	http.StatusServiceUnavailable:  grpcUnavailable,
	http.StatusGatewayTimeout:      grpcDeadlineExceeded,
}

// grpcType is the media type of a gRPC request, or nothing: application/grpc, with a format behind it or as gRPC-Web.
func grpcType(r *http.Request) string {
	header := r.Header.Get("Content-Type")
	if !strings.HasPrefix(header, "application/grpc") { // most of all requests
		return ""
	}
	media, _, _ := mime.ParseMediaType(header)
	rest := strings.TrimPrefix(media, "application/grpc")
	if rest != "" && rest[0] != '+' && rest[0] != '-' {
		return ""
	}
	return media
}

func isGRPC(r *http.Request) bool { return grpcType(r) != "" }

// answerGRPC answers a gRPC request by a status and nothing else, which is a 200 in HTTP. It does nothing if r is none.
func (p *Problem) answerGRPC(w http.ResponseWriter, r *http.Request) bool {
	media := grpcType(r)
	if media == "" {
		return false
	}
	h := w.Header()
	p.header(h)
	h.Set("Content-Type", media)
	h.Set(headerGRPCStatus, strconv.Itoa(p.grpcCode()))
	h.Set(headerGRPCMessage, grpcMessage(answers[p.Reason].title, p.Detail))
	if p.RetryAfter > 0 {
		h.Set(headerGRPCPushback, strconv.FormatInt(p.RetryAfter.Milliseconds(), 10))
	}
	w.WriteHeader(http.StatusOK)
	return true
}

func (p *Problem) grpcCode() int {
	if p.Reason == ReasonTooManyWaiting || p.Reason == ReasonLimitReached {
		return grpcResourceExhausted
	}
	if code, ok := grpcCodes[p.status()]; ok {
		return code
	}
	return grpcUnknown
}

// grpcMessage is a text as the header has it: UTF-8, percent-encoded but for what is printable ASCII.
func grpcMessage(title, detail string) string {
	text := title
	if detail != "" {
		text += " " + detail
	}
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// grpcUnits are those of the header Grpc-Timeout.
var grpcUnits = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}

// patience is how long the client of a gRPC request waits for its answer. Others do not say it, and some who speak gRPC do not.
func patience(r *http.Request) time.Duration {
	value := r.Header.Get(headerGRPCTimeout)
	if len(value) < 2 || len(value) > 9 || !isGRPC(r) {
		return math.MaxInt64
	}
	n, err := strconv.ParseUint(value[:len(value)-1], 10, 32)
	unit, ok := grpcUnits[value[len(value)-1]]
	if err != nil || !ok || n > uint64(math.MaxInt64/unit) { //nolint:gosec // a positive number
		return math.MaxInt64
	}
	return time.Duration(n) * unit //nolint:gosec // at most eight digits
}

// shorten takes the time that a request has waited off the time that it gives the pod.
func shorten(r *http.Request, waited time.Duration) {
	rest := patience(r)
	if waited == 0 || rest == math.MaxInt64 {
		return
	}
	rest = max(rest-waited, time.Microsecond)
	value := strconv.FormatInt(rest.Microseconds(), 10) + "u"
	if len(value) > 9 {
		value = strconv.FormatInt(rest.Milliseconds(), 10) + "m"
	}
	if len(value) > 9 {
		value = strconv.FormatInt(int64(rest/time.Second), 10) + "S"
	}
	r.Header.Set(headerGRPCTimeout, value)
}
