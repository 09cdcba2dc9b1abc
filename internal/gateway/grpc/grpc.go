package grpc

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
	HeaderTimeout  = "Grpc-Timeout"
	headerStatus   = "Grpc-Status"
	headerMessage  = "Grpc-Message"
	headerPushback = "Grpc-Retry-Pushback-Ms"
)

// Status codes of gRPC.
const (
	Unknown            = 2
	InvalidArgument    = 3
	DeadlineExceeded   = 4
	NotFound           = 5
	PermissionDenied   = 7
	ResourceExhausted  = 8
	FailedPrecondition = 9
	Unimplemented      = 12
	Internal           = 13
	Unavailable        = 14
	Unauthenticated    = 16
)

// codes has the code of each status of HTTP. One that is not there is Unknown.
var codes = map[int]int{
	http.StatusPermanentRedirect:   FailedPrecondition, // gRPC follows none
	http.StatusBadRequest:          InvalidArgument,
	http.StatusUnauthorized:        Unauthenticated,
	http.StatusForbidden:           PermissionDenied,
	http.StatusNotFound:            NotFound,
	http.StatusMethodNotAllowed:    Unimplemented,
	http.StatusRequestTimeout:      DeadlineExceeded,
	http.StatusGone:                FailedPrecondition,
	http.StatusTooManyRequests:     ResourceExhausted,
	http.StatusInternalServerError: Internal,
	http.StatusBadGateway:          Unavailable,
	http.StatusServiceUnavailable:  Unavailable,
	http.StatusGatewayTimeout:      DeadlineExceeded,
}

// mediaType is the media type of a gRPC request, or nothing: application/grpc, with a format behind it or as gRPC-Web.
func mediaType(r *http.Request) string {
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

// Asked says whether r is a request of gRPC.
func Asked(r *http.Request) bool { return mediaType(r) != "" }

// Code is the code of an answer that would have that status of HTTP.
func Code(status int) int {
	if code, ok := codes[status]; ok {
		return code
	}
	return Unknown
}

// Refuse answers a gRPC request by a status and nothing else, which is a 200 in HTTP. retryAfter is when to come again; zero: not known.
func Refuse(w http.ResponseWriter, r *http.Request, code int, message string, retryAfter time.Duration) {
	h := w.Header()
	h.Set("Content-Type", mediaType(r))
	h.Set(headerStatus, strconv.Itoa(code))
	h.Set(headerMessage, encode(message))
	if retryAfter > 0 {
		h.Set(headerPushback, strconv.FormatInt(retryAfter.Milliseconds(), 10))
	}
	w.WriteHeader(http.StatusOK)
}

// encode is a text as the header has it: UTF-8, percent-encoded but for what is printable ASCII.
func encode(text string) string {
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

// units are those of the header Grpc-Timeout.
var units = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}

// Patience is how long the client of a gRPC request waits for its answer. Others do not say it, and some who speak gRPC do not.
func Patience(r *http.Request) time.Duration {
	value := r.Header.Get(HeaderTimeout)
	if len(value) < 2 || len(value) > 9 || !Asked(r) {
		return math.MaxInt64
	}
	n, err := strconv.ParseUint(value[:len(value)-1], 10, 32)
	unit, ok := units[value[len(value)-1]]
	if err != nil || !ok || n > uint64(math.MaxInt64/unit) { //nolint:gosec // a positive number
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}

// Shorten takes the time that a request has waited off the time that it gives the pod.
func Shorten(r *http.Request, waited time.Duration) {
	rest := Patience(r)
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
	r.Header.Set(HeaderTimeout, value)
}
