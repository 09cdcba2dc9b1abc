package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

// Needs are what a probe needs of its target.
type Needs int

const (
	// NeedsNothing is that the gateway answers itself.
	NeedsNothing Needs = iota
	// NeedsEcho is that the workload is Echo.
	NeedsEcho
	// NeedsPathRoute is that the key is a segment of the path; whether there is such a session does not matter.
	NeedsPathRoute
)

// Probe is something that a client sends, and what must come of it.
type Probe struct {
	// Name never changes: a list of exceptions goes by it.
	Name string
	// For says what is at stake, for a person.
	For string
	// Needs is what it needs of the target.
	Needs Needs
	// Slow is a probe that waits for a time-out of the gateway: up to a minute.
	Slow bool

	send  []string // lines, in which {host} and the like stand for parts of the target
	check func(Answer) error
}

// Answer is what came back.
type Answer struct {
	Status int // zero: the connection was closed without an answer
	Header http.Header
	Body   []byte
	Seen   *Seen // nil: the body is not of Echo
}

// reason is why the gateway answered itself, or empty.
func (a Answer) reason() string { return a.Header.Get("Dormouse-Reason") }

// Verdict is what became of a probe.
type Verdict string

// The verdicts.
const (
	Passed  Verdict = "passed"
	Failed  Verdict = "failed"
	Skipped Verdict = "skipped" // the target is not what the probe needs
)

// Result is what became of a probe, and why.
type Result struct {
	Name    string  `json:"name"`
	For     string  `json:"for"`
	Verdict Verdict `json:"verdict"`
	Detail  string  `json:"detail,omitempty"` // empty: it has passed
}

// Run sends the probe, and judges what comes back.
func (p Probe) Run(ctx context.Context, t Target) Result {
	r := Result{Name: p.Name, For: p.For, Verdict: Skipped}
	switch {
	case p.Needs == NeedsEcho && !t.Echo:
		r.Detail = "the workload does not echo"
		return r
	case p.Needs == NeedsPathRoute && t.parent() == "":
		r.Detail = "the path has no segment that could be the key"
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout(p.Slow))
	defer cancel()
	answer, err := t.exchange(ctx, p.send)
	if err == nil {
		err = p.check(answer)
	}
	if err != nil {
		r.Verdict, r.Detail = Failed, err.Error()
		return r
	}
	r.Verdict = Passed
	return r
}

// exchange sends lines on a connection of their own, and reads the answer.
func (t Target) exchange(ctx context.Context, lines []string) (Answer, error) {
	conn, err := t.dial(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	text := t.fill(strings.Join(lines, "\r\n"))
	// A gateway may answer and hang up before it has read all: what counts is its answer.
	_, _ = io.WriteString(conn, text)
	method, _, _ := strings.Cut(text, " ")
	return read(conn, method)
}

func read(conn net.Conn, method string) (Answer, error) {
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	for err == nil && res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
		res, err = http.ReadResponse(in, &http.Request{Method: method})
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return Answer{}, errors.New("no answer, and the connection is still open")
	}
	if err != nil {
		return Answer{}, nil //nolint:nilerr // a connection that is closed is an answer, with status 0
	}
	defer func() { _ = res.Body.Close() }()
	a := Answer{Status: res.StatusCode, Header: res.Header}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return a, nil
	}
	// Who refuses a request may hang up on what it has not read of it, and take the end of its own answer with it.
	a.Body, _ = io.ReadAll(io.LimitReader(res.Body, maxBody))
	var seen Seen
	if json.NewDecoder(bytes.NewReader(a.Body)).Decode(&seen) == nil && seen.Method != "" && seen.URI != "" {
		a.Seen = &seen
	}
	return a, nil
}

// maxBody is how much of an answer is read.
const maxBody = 1 << 20
