package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// follows is the input of a step that follows a session.
func follows(t *testing.T, session string, code int, message, input string) string {
	t.Helper()
	exit := map[string]any{"code": code, "message": message}
	text, err := json.Marshal(map[string]any{"startedBy": session, "lastExit": exit, "input": input})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnOrderIsCheckedBeforeAnythingIsMade(t *testing.T) {
	t.Setenv("SESSION_POD_UID", "uid")
	words, err := order(t.Context(), job{input: []byte(`{"size": "small", "packages": 3, "token": "mine"}`)})
	if err != nil || words != `{"size":"small","packages":3,"token":"uid"}` {
		t.Errorf("%s, %v", words, err)
	}
	for _, wrong := range []string{"", "{}", `{"size": "huge"}`, `{"size": "small", "packages": -1}`, `{"size": "small", "packages": 513}`} {
		if words, err := order(t.Context(), job{input: []byte(wrong)}); !errors.Is(err, errOrder) {
			t.Errorf("%s: %s, %v", wrong, words, err)
		}
	}
}

func TestEachStepFindsTheOrder(t *testing.T) {
	const placed = `{"size":"large","packages":3,"token":"uid"}`
	first := follows(t, "server.web", 0, placed, `{"size": "large"}`)
	for what, input := range map[string]string{
		"that follows the order":   first,
		"that follows a step":      follows(t, "machine.web", 11, "no room", first),
		"that follows two of them": follows(t, "find-machine.web", 1, "", follows(t, "machine.web", 12, "", first)),
	} {
		w, err := ordered([]byte(input))
		if err != nil || w != (wanted{"large", 3, "uid"}) {
			t.Errorf("a step %s: %+v, %v", what, w, err)
		}
	}
	if w, err := ordered([]byte(follows(t, "server.web", 10, "huge", ""))); !errors.Is(err, errNoOrder) {
		t.Errorf("an order that was refused: %+v, %v", w, err)
	}
	for what, input := range map[string]string{
		"nothing":            "",
		"no end of it":       `{"startedBy": "machine.web"}`,
		"an order cut short": follows(t, "server.web", 0, placed[:20], ""),
		"no token":           follows(t, "server.web", 0, `{"size": "small"}`, ""),
	} {
		if w, err := ordered([]byte(input)); err == nil || errors.Is(err, errNoOrder) {
			t.Errorf("of %s it is known what was ordered: %+v, %v", what, w, err)
		}
	}
}

// answers is a cloud that answers each request with the next status, and notes the requests.
type answers struct {
	statuses []int
	asked    []string
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.asked = append(a.asked, r.Method+" "+r.URL.Path)
	status := a.statuses[0]
	a.statuses = a.statuses[1:]
	if status == 0 {
		_, _ = io.Copy(io.Discard, r.Body) // a server hears that its client has gone only when it has read all
		<-r.Context().Done()
		return
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, `{"id": "m-1", "size": "large", "state": "running"}`)
}

// plays has a step of an order talk to a cloud.
func plays(t *testing.T, do step, statuses ...int) (words string, asked []string, err error) {
	t.Helper()
	cloudAnswers := &answers{statuses: statuses}
	server := httptest.NewServer(cloudAnswers)
	defer server.Close()
	words, err = do(t.Context(), job{
		cloud:  cloud{server.URL, &http.Client{Timeout: 200 * time.Millisecond}},
		server: "web",
		input:  []byte(follows(t, "server.web", 0, `{"size": "large", "packages": 1, "token": "uid"}`, "")),
	})
	return words, cloudAnswers.asked, err
}

func TestHowAStepEndsIsItsExitCode(t *testing.T) {
	for _, c := range []struct {
		name   string
		do     step
		status []int
		code   int
	}{
		{"no room", machine, []int{403}, 11},
		{"no answer", machine, []int{0}, 12},
		{"no answer, says a gateway of the cloud", machine, []int{504}, 12},
		{"the token is used up", machine, []int{410}, 14},
		{"the cloud is broken", machine, []int{500}, 1},
		{"no machine to configure", configure, []int{404}, 1},
		{"a record that spreads", record, []int{201, 200}, 13},
		{"a machine is left", check, []int{200}, 15},
		{"a record is left", check, []int{404, 200}, 15},
		{"nobody knows what is left", check, []int{500}, 1},
	} {
		words, asked, err := plays(t, c.do, c.status...)
		if err == nil || exitCode(err) != c.code || len(asked) != len(c.status) {
			t.Errorf("%s: %q, %v, after %v", c.name, words, err, asked)
		}
	}
}

func TestWhoWasNotAnsweredLooksBeforeItAsksAgain(t *testing.T) {
	words, asked, err := plays(t, findMachine, 200)
	if err != nil || !strings.HasPrefix(words, "it was made after all") || !slices.Equal(asked, []string{"GET /machines/uid"}) {
		t.Errorf("%q, %v, after %v", words, err, asked)
	}
	words, asked, err = plays(t, findMachine, 404, 201)
	if err != nil || !strings.HasPrefix(words, "it was not made") || !slices.Equal(asked, []string{"GET /machines/uid", "PUT /machines/uid"}) {
		t.Errorf("%q, %v, after %v", words, err, asked)
	}
}

func TestDestroyWithoutAnOrderAsksNobody(t *testing.T) {
	refused := job{input: []byte(follows(t, "server.web", 10, "huge", ""))}
	for _, do := range []step{destroyMachine, destroyRecord, check} {
		if words, err := do(t.Context(), refused); err != nil || words != errNoOrder.Error() {
			t.Errorf("%q, %v", words, err)
		}
	}
	words, asked, err := plays(t, check, 404, 404)
	if err != nil || words != "nothing is left of web" || len(asked) != 2 {
		t.Errorf("%q, %v, after %v", words, err, asked)
	}
}
