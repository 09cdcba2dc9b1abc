// Package page has the pages that a browser is shown where there is no answer of a session: while it wakes, and when it cannot be had.
//
// A page is one answer: its style, its script and its pictures are in it, and its policy lets it load nothing else.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the parts of a page
	"encoding/base64"
	"fmt"
	"html/template"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
	//go:embed icon.svg
	iconSVG []byte
)

// Face is what one page says. A page that waits gets it again and again, as JSON.
type Face struct {
	Title      string `json:"title"`
	Sentence   string `json:"sentence,omitempty"`
	Facts      []Fact `json:"facts,omitempty"`
	Advice     string `json:"advice,omitempty"`
	RetryAfter int64  `json:"retryAfterSeconds,omitempty"` // zero: not known
	Waiting    bool   `json:"waiting"`                     // the session is on its way
	// Progress is where a page that waits hears how it goes. Empty: it is no such page.
	Progress string `json:"-"`
}

// Fact is a detail with its name.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Pages makes pages with the looks of a Brand. It is safe for concurrent use.
type Pages struct {
	template *template.Template
	brand    brand
	policy   string
}

// brand is what is the same on every page.
type brand struct {
	Title         string
	Logo, Icon    template.URL
	Style, Script template.HTML
}

// New makes Pages. It fails if the Brand breaks one of its bounds.
func New(b Brand) (*Pages, error) {
	colors, err := b.check()
	if err != nil {
		return nil, err
	}
	style := colors + pageCSS
	p := &Pages{brand: brand{
		Title:  b.Title,
		Logo:   template.URL(b.Logo),                                                                    //nolint:gosec // checked: a picture, in base64
		Icon:   template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(iconSVG)), //nolint:gosec // our own
		Style:  template.HTML("<style>" + style + "</style>"),                                           //nolint:gosec // our own, and colours that were checked
		Script: template.HTML("<script>" + pageJS + "</script>"),                                        //nolint:gosec // our own
	}}
	if b.Logo != "" {
		p.brand.Icon = p.brand.Logo
	}
	p.policy = fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'",
		source(style), source(pageJS))
	p.template, err = template.New("page").Funcs(template.FuncMap{"spell": spell}).Parse(pageHTML)
	return p, err
}

// Default makes Pages without a title or a logo, in our own colours.
func Default() *Pages {
	p, err := New(Brand{})
	if err != nil {
		panic(err) // a test makes them
	}
	return p
}

// spell is a number of seconds as a person says it.
func spell(seconds int64) string {
	if seconds < 60 {
		return fmt.Sprintf("%d s", seconds)
	}
	return fmt.Sprintf("%d min %d s", seconds/60, seconds%60)
}

// source is how a policy names a part of the page itself.
func source(part string) string {
	sum := sha256.Sum256([]byte(part))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Policy is the Content-Security-Policy of every page.
func (p *Pages) Policy() string { return p.policy }

// HTML is the page that says f.
func (p *Pages) HTML(f Face) ([]byte, error) {
	var b bytes.Buffer
	err := p.template.Execute(&b, struct {
		Face
		Brand brand
	}{f, p.brand})
	return b.Bytes(), err
}
