package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/key"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
)

// fake is sessions of which each key but "none" is there, once it was made.
type fake struct {
	sessionapi.Sessions
	mu    sync.Mutex
	made  map[string]bool
	watch func(context.Context, func(client.Session) error) error
}

func (f *fake) Template(namespace, name string) (resolve.Template, bool) {
	pattern, err := key.Pattern(`(?s).+`)
	return resolve.Template{Namespace: namespace, Name: name, Pattern: pattern, Create: true}, err == nil
}

func (f *fake) Look(_ context.Context, t *resolve.Target) (client.Session, error) {
	if t.Key == "none" {
		return client.Session{}, &directory.Refusal{Kind: directory.NotFound, Reason: "NotFound", Message: "There is none."}
	}
	return client.Session{Namespace: t.Namespace, Template: t.Name, Key: t.Key}, nil
}

func (f *fake) Make(ctx context.Context, t *resolve.Target, _ client.Spec) (client.Session, bool, error) {
	s, err := f.Look(ctx, t)
	f.mu.Lock()
	defer f.mu.Unlock()
	made := !f.made[t.Key]
	f.made[t.Key] = true
	return s, made, err
}

func (f *fake) Watch(ctx context.Context, _ *resolve.Target, tell func(client.Session) error) error {
	return f.watch(ctx, tell)
}

// serve answers with the real handlers.
func serve(t *testing.T, api *sessionapi.API) string {
	t.Helper()
	if api.Authorize == nil {
		api.Authorize = sessionapi.AsAnyone(true)
	}
	s := httptest.NewServer((&gateway.Gateway{Now: time.Now, Log: slog.New(slog.DiscardHandler), API: api}).Handler())
	t.Cleanup(s.Close)
	return s.URL + "/"
}

func ref(key string) client.Ref { return client.Ref{Namespace: "games", Template: "chess", Key: key} }

// Whatever a key holds, it arrives as it is.
func TestKeysArriveAsTheyAre(t *testing.T) {
	c := client.New(serve(t, &sessionapi.API{Sessions: &fake{}}), client.Options{})
	for _, k := range []string{"a", ".", "..", "a/../b", "a b+c", "%2e", "日本", "?x=y#z", "wake", "\u0001"} {
		s, err := c.Get(t.Context(), ref(k))
		if err != nil || s.Ref() != ref(k) {
			t.Errorf("key %q: %+v, %v", k, s, err)
		}
	}
}

func TestAProblemIsToldWhole(t *testing.T) {
	c := client.New(serve(t, &sessionapi.API{Sessions: &fake{}}), client.Options{})
	_, err := c.Get(t.Context(), ref("none"))
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != http.StatusNotFound || p.Reason != "NotFound" || p.Detail != "There is none." {
		t.Errorf("%v", err)
	}
	notOurs := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(notOurs.Close)
	if _, err := client.New(notOurs.URL, client.Options{}).Get(t.Context(), ref("a")); !errors.As(err, &p) || p.Status != http.StatusNotFound || p.Reason != "" {
		t.Errorf("of another server: %v", err)
	}
}

func TestCreate(t *testing.T) {
	c := client.New(serve(t, &sessionapi.API{Sessions: &fake{made: map[string]bool{}}}), client.Options{})
	for _, want := range []bool{true, false} {
		if _, made, err := c.Create(t.Context(), ref("a"), client.Spec{}); err != nil || made != want {
			t.Errorf("made: %v, want %v, %v", made, want, err)
		}
	}
	results, err := c.CreateAll(t.Context(), "games", "chess", []client.Line{{Key: "a"}, {Key: "b"}, {}})
	if err != nil || len(results) != 3 || results[0].Status != 200 || results[1].Status != 201 || results[2].Stored() {
		t.Errorf("%+v, %v", results, err)
	}
}

// An answer that ends before its end is an error, and not fewer results.
func TestCreateAllIsToldWhole(t *testing.T) {
	short := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"line": 1, "key": "a", "status": 201, "reason": "Created"}` + "\n"))
	}))
	t.Cleanup(short.Close)
	results, err := client.New(short.URL, client.Options{}).CreateAll(t.Context(), "games", "chess", []client.Line{{Key: "a"}, {Key: "b"}})
	if err == nil || len(results) != 1 {
		t.Errorf("%+v, %v", results, err)
	}
}

// A watch that is cut off goes on, and tells nothing twice.
func TestWatchGoesOn(t *testing.T) {
	times := 0
	f := &fake{}
	f.watch = func(_ context.Context, tell func(client.Session) error) error {
		times++
		if err := tell(client.Session{Version: "1"}); err != nil || times == 1 {
			return errors.Join(err, errors.New("cut off"))
		}
		return errors.Join(tell(client.Session{Version: "2"}), &directory.Refusal{Kind: directory.NotFound})
	}
	var told []string
	err := client.New(serve(t, &sessionapi.API{Sessions: f}), client.Options{}).Watch(t.Context(), ref("a"), func(s client.Session) error {
		told = append(told, s.Version)
		return nil
	})
	if !errors.Is(err, client.ErrGone) || len(told) != 2 || told[0] != "1" || told[1] != "2" || times != 2 {
		t.Errorf("%v after %d watches: %v", told, times, err)
	}
	enough := errors.New("enough")
	err = client.New(serve(t, &sessionapi.API{Sessions: f}), client.Options{}).Watch(t.Context(), ref("a"), func(client.Session) error { return enough })
	if !errors.Is(err, enough) {
		t.Error(err)
	}
}

// pods takes any token for a pod of that name.
type pods struct{ sessionapi.Pods }

func (pods) Pod(_ context.Context, token string, _ netip.Addr) (sessionapi.Pod, error) {
	return sessionapi.Pod{UID: token}, nil
}

func (pods) Self(context.Context, sessionapi.Pod) (client.Session, error) {
	return client.Session{Epoch: 7}, nil
}

// The kubelet renews the token in place: each call reads it anew.
func TestSelfReadsItsTokenAnew(t *testing.T) {
	t.Setenv("DORMOUSE_API", "")
	file := filepath.Join(t.TempDir(), "token")
	self := &client.Self{TokenFile: file}
	if _, err := self.Who(t.Context()); err == nil {
		t.Error("a call without an address")
	}
	t.Setenv("DORMOUSE_API", serve(t, &sessionapi.API{Pods: pods{}}))
	if _, err := self.Who(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a call without a token: %v", err)
	}
	for _, token := range []string{"first", "second"} {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if me, err := self.Who(t.Context()); err != nil || me.Pod != token || me.Epoch != 7 {
			t.Errorf("%+v, %v", me, err)
		}
	}
}
