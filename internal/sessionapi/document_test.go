package sessionapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/client"
)

// document is what of OpenAPI is compared here.
type document struct {
	OpenAPI string
	Servers []struct{ URL string }
	Paths   map[string]map[string]json.RawMessage

	Components struct {
		Schemas map[string]struct{ Properties map[string]any }
	}
}

func read(t *testing.T) document {
	t.Helper()
	w := httptest.NewRecorder()
	(&API{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, client.Root+"openapi.json", nil))
	var d document
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d: %v", w.Code, err)
	}
	return d
}

// The document has the routes that there are, and no others.
func TestDocumentHasTheRoutes(t *testing.T) {
	d := read(t)
	if d.OpenAPI != "3.1.0" || d.Servers[0].URL+"/" != client.Root {
		t.Errorf("%s at %v", d.OpenAPI, d.Servers)
	}
	var got, want []string
	for path, item := range d.Paths {
		for method := range item {
			if method != "parameters" {
				got = append(got, strings.ToUpper(method)+" "+path)
			}
		}
	}
	for shape, methods := range routes {
		for method := range methods {
			want = append(want, method+" /"+shape)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the document has\n%s\nthere are\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// And the fields of what goes over the wire.
func TestDocumentHasTheFields(t *testing.T) {
	schemas := read(t).Components.Schemas
	for name, v := range map[string]any{
		"Session": client.Session{}, "Activity": client.Activity{}, "Exit": client.Exit{}, "Spec": client.Spec{}, "Line": client.Line{},
		"Result": client.Result{}, "Explanation": client.Explanation{}, "Busy": client.Busy{}, "Identity": client.Identity{},
	} {
		want := fieldsOf(reflect.TypeOf(v))
		if got := slices.Sorted(maps.Keys(schemas[name].Properties)); !slices.Equal(got, want) {
			t.Errorf("%s has %v in the document, and %v in Go", name, got, want)
		}
	}
	if len(schemas) != 11 {
		t.Errorf("%d schemas: those of Alarm and Problem, and the others above", len(schemas))
	}
}

func fieldsOf(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, fieldsOf(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
