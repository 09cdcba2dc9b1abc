package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/page"
)

func TestPageConfig(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"logo.svg": "<svg/>", "large.png": strings.Repeat("x", page.MaxLogo)} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	svg := "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte("<svg/>"))
	for _, tt := range []struct{ name, config, has, fault string }{
		{name: "a title", config: "title: Chess & more", has: "Chess &amp; more"},
		{name: "a logo as a file beside it", config: "logo: logo.svg", has: `<img src="` + svg + `"`},
		{name: "a logo as a file elsewhere", config: "logo: " + filepath.Join(dir, "logo.svg"), has: svg},
		{name: "a logo as data", config: "logo: " + svg, has: svg},
		{name: "colours", config: "colors: {light: {background: '#ffffff', accent: '#0000cc'}}", has: "--background:#ffffff"},
		{name: "a field that is none", config: "titel: x", fault: `unknown field "titel"`},
		{name: "a logo from elsewhere", config: "logo: https://example.com/a.png", fault: "no such file"},
		{name: "a logo of another kind", config: "logo: a.html", fault: "neither a data URI"},
		{name: "a logo that is not there", config: "logo: b.png", fault: "no such file"},
		{name: "a large logo", config: "logo: large.png", fault: "more than"},
		{name: "what cannot be read", config: "colors: {dark: {text: '#333333'}}", fault: "colors.dark: text has a contrast"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(dir, "page.yaml")
			must(t, os.WriteFile(file, []byte(tt.config), 0o600))
			pages, err := pagesOf(file)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("got %v, want %q", err, tt.fault)
				}
				return
			}
			must(t, err)
			got, err := pages.HTML(page.Face{Title: "x"})
			must(t, err)
			if !strings.Contains(strings.ReplaceAll(string(got), "&#43;", "+"), tt.has) {
				t.Errorf("no %q in the page", tt.has)
			}
		})
	}
	if _, err := pagesOf(filepath.Join(dir, "nowhere.yaml")); err == nil {
		t.Error("a config that is not there is no fault")
	}
}
