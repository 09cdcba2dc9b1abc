package sessionapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// maxBody is how large the body of a call that is no batch may be, in bytes: an input of which each byte needs six to be written.
const maxBody = 6*client.MaxInput + 64<<10

// maxSelfBody is how large the body of a pod's call may be, in bytes: as many alarms as there may be, and some.
const maxSelfBody = 8 << 10

// hear takes a body in before it is asked for.
func hear(w http.ResponseWriter, r *http.Request) error {
	body, err := whole(w, r, maxSelfBody)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err
}

// readBody reads the JSON of a call into v. An empty body leaves v as it is.
func readBody(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := whole(w, r, maxBody)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return err
	}
	return decode(body, v)
}

// whole is a body, if it is not larger than that.
func whole(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &answer.Problem{Reason: answer.ReasonTooLarge}
	case err != nil:
		return nil, &answer.Problem{Reason: answer.ReasonBadBody}
	}
	return body, nil
}

// decode takes one JSON value, and nothing that it does not know: a field that is misspelt must not be lost in silence.
func decode(body []byte, v any) error {
	if !utf8.Valid(body) {
		return &answer.Problem{Reason: answer.ReasonBadBody, Detail: "it is not UTF-8"}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return &answer.Problem{Reason: answer.ReasonBadBody, Detail: strings.TrimPrefix(err.Error(), "json: ")}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &answer.Problem{Reason: answer.ReasonBadBody, Detail: "there is something behind the JSON value"}
	}
	return nil
}

// checkNew says what is wrong with what a session is to be made with, as far as the API server need not be asked.
func checkNew(n *client.Spec) error {
	switch {
	case n.Input != nil && len(*n.Input) > client.MaxInput:
		return &answer.Problem{Reason: answer.ReasonTooLarge, Limit: "input", Detail: "An input has at most 64 KiB."}
	case len(n.Alarms) > client.MaxAlarms:
		return &answer.Problem{Reason: answer.ReasonTooLarge, Limit: "alarms", Detail: "A session has at most 64 alarms."}
	}
	return nil
}
