package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// ended is the input of tell, by Dormouse: who it follows, and how that one ended.
type ended struct {
	StartedBy string `json:"startedBy"` // the name of a Session
	LastExit  struct {
		Reason  string `json:"reason"`
		Code    *int32 `json:"code"`
		Signal  *int32 `json:"signal"`
		Message string `json:"message"`
	} `json:"lastExit"`
}

// report is what a user gets.
type report struct {
	Job string `json:"job"`
	How string `json:"how"`
}

// how says in words how it ended.
func (e ended) how() string {
	x := e.LastExit
	switch {
	case x.Reason == "OOMKilled":
		return "it took more memory than it may, and was killed"
	case x.Signal != nil:
		return fmt.Sprintf("it was killed by signal %d", *x.Signal)
	case x.Code != nil && *x.Code == 0:
		return "done: " + x.Message
	}
	return "failed: " + x.Message
}

// tell puts a report into the mailbox of the user whose work has ended.
func tell(ctx context.Context) error {
	var e ended
	if err := readInput(&e); err != nil {
		return err
	}
	user, name, _ := strings.Cut(os.Getenv("SESSION_KEY"), "--")
	body, err := json.Marshal(report{Job: name, How: e.how()})
	if err != nil {
		return err
	}
	url := os.Getenv("DORMOUSE_API") + "/mailbox/" + user + "/"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		return fmt.Errorf("the mailbox of %s: %s: %s", user, response.Status, text)
	}
	return lastWords("told %s: %s", user, body)
}
