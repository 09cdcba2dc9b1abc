package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

func TestARecordIsSentAgainUntilTheStoreHasIt(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+string(body))
		if len(got) == 1 {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	r := &record{url: server.URL + "/ann/a/1"}
	if err := r.note(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	r.Result = "1"
	if err := r.note(t.Context(), "y"); err != nil {
		t.Error(err)
	}
	first := `PUT /ann/a/1 {"log":["x"]}`
	if want := []string{first, first, `PUT /ann/a/1 {"log":["x","y"],"result":"1"}`}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	server.Close()
	told, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.note(told, "z"); !errors.Is(err, context.Canceled) {
		t.Errorf("the store is away, and the worker is told to go: %v", err)
	}
}
