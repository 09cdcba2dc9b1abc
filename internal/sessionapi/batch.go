package sessionapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

const (
	// batchAtOnce is how many sessions of one batch are made at once.
	batchAtOnce = 8
	// maxBatchBytes is how large a batch may be in all.
	maxBatchBytes = 16 << 20
)

// batch makes a session of each line, and answers with a result for each, in the order of the lines. What it says is stored, is; a batch
// that is sent again finds it there. Lines are read as fast as sessions are made, and the answer begins when all are.
func (a *API) batch(w http.ResponseWriter, r *http.Request, c call) error {
	ctx := r.Context()
	lines := newLines(http.MaxBytesReader(w, r.Body, maxBatchBytes))
	var results []*client.Result
	var work errgroup.Group
	work.SetLimit(batchAtOnce)
	for ctx.Err() == nil && lines.next() {
		result := &client.Result{Line: lines.number}
		results = append(results, result)
		if err := lines.trouble(len(results)); err != nil {
			fail(result, err)
			continue
		}
		text := lines.text
		work.Go(func() error {
			a.one(ctx, r, c, text, result)
			return nil
		})
	}
	_ = work.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	if lines.broken {
		return &answer.Problem{Reason: answer.ReasonBadBody, Detail: "It ended before its end. What was whole of it may have been stored: send it again."}
	}
	return answerAll(w, results)
}

// one makes the session of a line.
func (a *API) one(ctx context.Context, r *http.Request, c call, text []byte, result *client.Result) {
	var line client.Line
	err := decode(text, &line)
	result.Key = line.Key
	if err == nil {
		err = wholeKey(line.Key)
	}
	if err != nil {
		fail(result, err)
		return
	}
	c.key, c.shape = line.Key, shapeSession
	_, made, err := a.create(ctx, r, c, line.Spec)
	switch {
	case err != nil:
		fail(result, err)
	case made:
		result.Status, result.Reason = http.StatusCreated, "Created"
	default:
		result.Status, result.Reason = http.StatusOK, "Exists"
	}
}

// wholeKey refuses a key that is none, or that may not be what was meant: JSON reads each half of a surrogate pair as U+FFFD, so that two
// keys would be one.
func wholeKey(k string) error {
	if strings.ContainsRune(k, '\uFFFD') {
		return &answer.Problem{Reason: answer.ReasonBadKey, Detail: "it holds U+FFFD, which is what is left of a broken encoding"}
	}
	return badKey(k)
}

func fail(result *client.Result, err error) {
	p := answer.Of(err)
	result.Status, result.Reason, result.Detail, result.Limit, result.RetryAfter = p.Code(), string(p.Reason), p.Detail, p.Limit, p.RetrySeconds()
}

func answerAll(w http.ResponseWriter, results []*client.Result) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	to := json.NewEncoder(w)
	for _, result := range results {
		if to.Encode(result) != nil {
			return nil // nobody reads it any more
		}
	}
	return nil
}
