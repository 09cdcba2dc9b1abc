package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRecordsAreReadByUserAndByPipeline(t *testing.T) {
	server := httptest.NewServer((&results{most: 3, all: map[string]json.RawMessage{}}).handler())
	defer server.Close()
	for _, c := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{http.MethodPut, "/ann/a/1", `{"log":["x"]}`, 204, ""},
		{http.MethodPut, "/ann/a/1", `{"log":["x","y"]}`, 204, ""},
		{http.MethodPut, "/ann/a/2", `{}`, 204, ""},
		{http.MethodPut, "/anna/b/1", `{}`, 204, ""},
		{http.MethodPut, "/ann/c/1", `{}`, 507, ""},
		{http.MethodPut, "/ann/a/2", `{"result":"1"}`, 204, ""},
		{http.MethodPut, "/ann/a/2", `no JSON`, 400, ""},
		{http.MethodPut, "/ann/a/2", `"` + strings.Repeat("x", maxRecord) + `"`, 400, ""},
		{http.MethodPut, "/ann/a", `{}`, 405, ""},
		{http.MethodGet, "/ann", "", 200, `{"a/1":{"log":["x","y"]},"a/2":{"result":"1"}}`},
		{http.MethodGet, "/ann/a", "", 200, `{"1":{"log":["x","y"]},"2":{"result":"1"}}`},
		{http.MethodGet, "/bob", "", 200, `{}`},
		{http.MethodDelete, "/ann", "", 204, ""},
		{http.MethodGet, "/ann", "", 200, `{}`},
		{http.MethodGet, "/anna", "", 200, `{"b/1":{}}`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var answer strings.Builder
		if err := response.Write(&answer); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != c.status || !strings.Contains(answer.String(), c.answer) {
			t.Errorf("%s %s: %s", c.method, c.path, answer.String())
		}
	}
}
