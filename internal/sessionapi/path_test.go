package sessionapi

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/key"
)

// Whatever comes as a path: what is taken for a key is one, it comes back as it is when it is written again, and the shape is one of few.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		client.Root + "openapi.json", client.Root + "self/busy", client.Root + "namespaces/a/templates/b/sessions",
		client.Root + "namespaces/a/templates/b/sessions/c", client.Root + "namespaces/a/templates/b/sessions/%2e%2E/wake?x=/",
		client.Root + "namespaces/a/templates/b/sessions/%2F/../d", client.Root + "namespaces/a%2f/templates/b/sessions/c", "/%2e/", "*", "http://a/b", "/a#b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := parse(&http.Request{RequestURI: raw})
		if err != nil {
			return
		}
		path, _, _ := strings.Cut(raw, "?")
		rest, ours := strings.CutPrefix(path, client.Root)
		if !ours {
			t.Fatalf("%q is taken for ours", raw)
		}
		if c.namespace == "" {
			if c.shape != rest || c.key != "" || c.template != "" {
				t.Fatalf("%q: %+v", raw, c)
			}
			return
		}
		if !key.IsLabel(c.namespace) || !key.IsLabel(c.template) {
			t.Fatalf("%q: %+v", raw, c)
		}
		again := strings.NewReplacer("{namespace}", c.namespace, "{template}", c.template, "{key}", url.PathEscape(c.key)).Replace(c.shape)
		if back, err := parse(&http.Request{RequestURI: client.Root + again}); err != nil || back != c {
			t.Fatalf("%q: %+v, and written again as %q %+v, %v", raw, c, again, back, err)
		}
		if c.shape != shapeSessions && key.Check(c.key) != nil {
			t.Fatalf("%q: %q is no key", raw, c.key)
		}
	})
}
