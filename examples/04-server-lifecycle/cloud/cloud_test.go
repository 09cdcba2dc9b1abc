package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// client asks a cloud, in a bubble whose clock is its own.
type client struct {
	t     *testing.T
	cloud http.Handler
}

// ask is the status and the text of an answer, and whether it came before the client's patience was over.
func (c client) ask(method, path, body string) (status int, text string, answered bool) {
	c.t.Helper()
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	w := httptest.NewRecorder()
	c.cloud.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(ctx))
	return w.Code, w.Body.String(), ctx.Err() == nil
}

// wants fails unless the answer has this status, and these words.
func (c client) wants(status int, words, method, path, body string) {
	c.t.Helper()
	got, text, answered := c.ask(method, path, body)
	if !answered || got != status || !strings.Contains(text, words) {
		c.t.Errorf("%s %s %s: %d %s, answered: %t", method, path, body, got, text, answered)
	}
}

// silent fails if there is an answer.
func (c client) silent(method, path, body string) {
	c.t.Helper()
	if status, text, answered := c.ask(method, path, body); answered {
		c.t.Errorf("%s %s: %d %s", method, path, status, text)
	}
}

// inBubble tries a new cloud.
func inBubble(t *testing.T, try func(client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { try(client{t, newCloud().handler()}) })
}

func TestATokenIsOneMachine(t *testing.T) {
	inBubble(t, func(c client) {
		began := time.Now()
		c.wants(201, `"id":"m-1"`, "PUT", "/machines/a", `{"server":"web","size":"large"}`)
		if took := time.Since(began); took != moves {
			t.Errorf("it ran after %s", took)
		}
		c.wants(200, `"id":"m-1"`, "PUT", "/machines/a", `{"server":"web","size":"large"}`)
		c.wants(201, `"id":"m-2"`, "PUT", "/machines/b", `{"server":"web","size":"large"}`)
		c.wants(200, `"packages":7`, "PUT", "/machines/a/configuration", `{"packages":7}`)
		c.wants(200, `"m-1"`, "GET", "/machines?server=web", "")
		c.wants(200, "[]", "GET", "/machines?server=other", "")
	})
}

func TestATokenThatWasDestroyedIsUsedUp(t *testing.T) {
	inBubble(t, func(c client) {
		for _, kind := range []string{"/machines", "/records"} {
			c.wants(201, "", "PUT", kind+"/a", `{"server":"web"}`)
			for _, token := range []string{"/a", "/a", "/never"} { // again, and before it was made
				c.wants(204, "", "DELETE", kind+token, "")
				c.wants(410, "", "PUT", kind+token, `{"server":"web"}`)
				c.wants(404, "", "GET", kind+token, "")
			}
			c.wants(200, `"state":"destroyed"`, "GET", kind+"?server=web", "")
		}
		c.wants(410, "", "PUT", "/machines/a/configuration", `{"packages":7}`)
		c.wants(404, "", "PUT", "/machines/none/configuration", `{"packages":7}`)
	})
}

func TestAServersNameChoosesWhatGoesWrong(t *testing.T) {
	inBubble(t, func(c client) {
		c.wants(403, "", "PUT", "/machines/q", `{"server":"quota-1","size":"large"}`)
		c.wants(201, `"size":"small"`, "PUT", "/machines/q", `{"server":"quota-1","size":"small"}`)

		c.silent("PUT", "/machines/m", `{"server":"mute-1","size":"large"}`)
		c.wants(200, `"state":"running"`, "GET", "/machines/m", "")
		c.wants(200, "", "PUT", "/machines/m", `{"server":"mute-1","size":"large"}`)

		c.silent("PUT", "/machines/l", `{"server":"lost-1","size":"large"}`)
		c.wants(404, "", "GET", "/machines/l", "")
		c.wants(201, "", "PUT", "/machines/l", `{"server":"lost-1","size":"large"}`)
	})
}

func TestARecordIsKnownWhenItHasSpread(t *testing.T) {
	inBubble(t, func(c client) {
		c.wants(201, "", "PUT", "/records/a", `{"server":"web"}`)
		c.wants(200, `"state":"known"`, "GET", "/records/a", "")
		c.wants(201, "", "PUT", "/records/s", `{"server":"slow-1"}`)
		c.wants(200, `"state":"spreading"`, "GET", "/records/s", "")
		time.Sleep(whims["slow"].spreads)
		c.wants(200, `"state":"known"`, "GET", "/records/s", "")
		c.wants(200, "", "PUT", "/records/s", `{"server":"slow-1"}`)
	})
}
