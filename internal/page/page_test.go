package page

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"
)

// hostile is what a workload may say of itself in the hope that a browser runs it.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;`

func htmlOf(t *testing.T, f Face) string {
	t.Helper()
	b, err := Default().HTML(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What comes from a session is text, wherever it stands.
func TestWhatIsSaidIsText(t *testing.T) {
	plain := htmlOf(t, Face{Title: "t", Sentence: "s", Advice: "a", Progress: "/p", RetryAfter: 3, Waiting: true, Facts: []Fact{{"n", "v"}}})
	got := htmlOf(t, Face{
		Title: hostile, Sentence: hostile, Advice: hostile, Progress: hostile, RetryAfter: 3, Waiting: true, Facts: []Fact{{hostile, hostile}},
	})
	for _, tag := range []string{"<script", "<img", "</script", "<"} {
		if n, want := strings.Count(got, tag), strings.Count(plain, tag); n != want {
			t.Errorf("%d of %q, want %d", n, tag, want)
		}
	}
	if n := strings.Count(html.UnescapeString(got), hostile); n != 7 { // the title is there twice
		t.Errorf("it is told %d times", n)
	}
}

var (
	styles   = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	scripts  = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	address  = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	outside  = regexp.MustCompile(`url\(|@import|(?:fetch|import|Worker|WebSocket|XMLHttpRequest)\(`)
	inlined  = regexp.MustCompile(`<[^>]+\s(?:style|on[a-z]+)=`)
	elements = regexp.MustCompile(`(?i)<(iframe|object|embed|base|form|video|audio|link [^>]*rel="(?:stylesheet|preload)")`)
)

// The policy names what the page has, and the page has nothing else: a browser that holds it shows all of the page.
func TestPolicyIsThatOfThePage(t *testing.T) {
	branded, err := New(Brand{Title: "x", Logo: "data:image/png;base64,aaaa", Colors: Colors{Dark: Palette{Background: "#000000"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*Pages{"ours": Default(), "branded": branded} {
		t.Run(name, func(t *testing.T) {
			b, err := p.HTML(Face{Title: "t", Waiting: true, Progress: "/p", RetryAfter: 3})
			if err != nil {
				t.Fatal(err)
			}
			for directive, part := range map[string]*regexp.Regexp{"style-src ": styles, "script-src ": scripts} {
				found := part.FindAllSubmatch(b, -1)
				if len(found) != 1 {
					t.Fatalf("%d of %s", len(found), part)
				}
				if want := directive + source(string(found[0][1])); !strings.Contains(p.Policy(), want+";") {
					t.Errorf("%q does not allow %s", p.Policy(), want)
				}
			}
			if !strings.HasPrefix(p.Policy(), "default-src 'none';") {
				t.Errorf("policy %q", p.Policy())
			}
			for _, forbidden := range []*regexp.Regexp{outside, inlined, elements} {
				if at := forbidden.Find(b); at != nil {
					t.Errorf("the page has %q", at)
				}
			}
			for _, a := range address.FindAllSubmatch(b, -1) {
				if to := string(a[1]); to != "" && !strings.HasPrefix(to, "data:image/") {
					t.Errorf("the page leads to %q", to)
				}
			}
		})
	}
}

// A page that waits asks again without a script; one that says why it does not come stays as it is.
func TestOnlyAPageThatWaitsAsksAgainByItself(t *testing.T) {
	const refresh = `<noscript><meta http-equiv="refresh" content="3"></noscript>`
	if !strings.Contains(htmlOf(t, Face{Waiting: true, RetryAfter: 3}), refresh) {
		t.Error("a page that waits stays")
	}
	if failed := htmlOf(t, Face{RetryAfter: 75}); strings.Contains(failed, "refresh") || !strings.Contains(failed, "1 min 15 s") {
		t.Error("a page that does not wait asks again, or does not say when one may")
	}
}

// The script fills in what it finds by its name.
func TestScriptFindsWhatItFillsIn(t *testing.T) {
	b := htmlOf(t, Face{Title: "t"})
	for _, id := range regexp.MustCompile(`(?:at|write)\("([a-z]+)"`).FindAllStringSubmatch(pageJS, -1) {
		if id[1] != "brand" && !strings.Contains(b, `id="`+id[1]+`"`) {
			t.Errorf("nothing has the id %s", id[1])
		}
	}
	face, err := json.Marshal(Face{Title: "t", Sentence: "s", Facts: []Fact{{"n", "v"}}, Advice: "a", RetryAfter: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range regexp.MustCompile(`face\.([a-zA-Z]+)`).FindAllStringSubmatch(pageJS, -1) {
		if !strings.Contains(string(face), `"`+member[1]+`"`) {
			t.Errorf("a face has no %s", member[1])
		}
	}
}

func TestAccessible(t *testing.T) {
	b := htmlOf(t, Face{Title: "t"})
	for _, want := range []string{`<html lang="en">`, "<main>", `role="status" aria-live="polite"`, "<h1", `aria-hidden="true"`, "width=device-width"} {
		if !strings.Contains(b, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, want := range []string{"prefers-reduced-motion", "prefers-color-scheme", ":focus-visible", "forced-colors"} {
		if !strings.Contains(b, want) {
			t.Errorf("the style does not know %s", want)
		}
	}
	for _, p := range []Palette{lightColors, darkColors} {
		colors := []string{p.Background, p.Text, p.Accent}
		var parsed []color
		for _, c := range colors {
			got, err := parseColor("c", c, "")
			if err != nil || got.String() != c {
				t.Fatalf("%s is %s, %v", c, got, err)
			}
			parsed = append(parsed, got)
		}
		if c := contrast(muted(parsed[1], parsed[0]), parsed[0]); c < MinContrast {
			t.Errorf("the text that steps back has a contrast of %.1f", c)
		}
	}
	if c := contrast(color{255, 255, 255}, color{}); c != 21 {
		t.Errorf("white on black has a contrast of %v", c)
	}
}

func TestBrandIsBounded(t *testing.T) {
	for name, b := range map[string]Brand{
		"a long title":           {Title: strings.Repeat("日", MaxTitle+1)},
		"a title of two lines":   {Title: "a\nb"},
		"a title of no text":     {Title: "\xff"},
		"a logo from elsewhere":  {Logo: "https://example.com/a.png"},
		"a logo that is no such": {Logo: "data:text/html;base64,aaaa"},
		"a logo that goes on":    {Logo: `data:image/png;base64,aaaa" onerror="x`},
		"a large logo":           {Logo: "data:image/png;base64," + strings.Repeat("a", MaxLogo)},
		"a colour by its name":   {Colors: Colors{Light: Palette{Text: "black"}}},
		"a colour that goes on":  {Colors: Colors{Light: Palette{Text: "#000000;}"}}},
		"text on its own colour": {Colors: Colors{Light: Palette{Background: "#444444"}}},
		"a pale link":            {Colors: Colors{Dark: Palette{Accent: "#333333"}}},
	} {
		if _, err := New(b); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := New(Brand{Title: strings.Repeat("日", MaxTitle), Logo: "data:image/svg+xml;base64,aaaa"}); err != nil {
		t.Error(err)
	}
}
