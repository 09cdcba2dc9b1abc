package sessionapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/client"
)

// batch sends one, and gives its results.
func (w *world) batch(text string) []client.Result {
	w.t.Helper()
	a := w.ask("POST", chess, text)
	if a.status != 200 || a.header.Get("Content-Type") != "application/x-ndjson" {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	var all []client.Result
	for d := json.NewDecoder(strings.NewReader(a.body)); d.More(); {
		var r client.Result
		if err := d.Decode(&r); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// cancelled posts, and hangs up as soon as that is so.
func (w *world) cancelled(path, body string, when func() bool) {
	ctx, hangUp := context.WithCancel(w.t.Context())
	defer hangUp()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+path, strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return
	}
	go func() {
		w.eventually("the handler is at work", when)
		hangUp()
	}()
	if res, err := http.DefaultClient.Do(r); err == nil {
		_ = res.Body.Close()
		w.t.Errorf("answered %s", res.Status)
	}
}

func (w *world) eventually(what string, is func() bool) {
	for range 1000 {
		if is() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	w.t.Errorf("never: %s", what)
}
