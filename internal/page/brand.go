package page

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a Brand.
const (
	// MaxTitle is how many characters a title may have.
	MaxTitle = 80
	// MaxLogo is how many bytes a logo may have, as a data URI: every page carries it.
	MaxLogo = 64 << 10
	// MinContrast is the least contrast of text, as WCAG 2 wants it at level AA.
	MinContrast = 4.5
)

// Brand is what whoever runs a gateway may choose of its pages.
type Brand struct {
	// Title is the name of what is served here, at most MaxTitle characters. Empty: none is shown.
	Title string `json:"title,omitempty"`
	// Logo is a picture as a data URI in base64: PNG, JPEG, GIF, WebP or SVG, at most MaxLogo bytes. Empty: none.
	Logo string `json:"logo,omitempty"`
	// Colors; those that are empty are our own.
	Colors Colors `json:"colors,omitzero"`
}

// Colors are those of a page, for each of the two preferences of a browser.
type Colors struct {
	Light Palette `json:"light,omitzero"`
	Dark  Palette `json:"dark,omitzero"`
}

// Palette is colours as #rrggbb. Text and accent must have a contrast of MinContrast with the background.
type Palette struct {
	Background string `json:"background,omitempty"`
	Text       string `json:"text,omitempty"`
	Accent     string `json:"accent,omitempty"`
}

var (
	lightColors = Palette{Background: "#faf6f0", Text: "#2d2621", Accent: "#8c4f1d"}
	darkColors  = Palette{Background: "#181513", Text: "#ece4da", Accent: "#e0a673"}
)

var dataURI = regexp.MustCompile(`^data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+=*$`)

// check gives the colours as a style sheet, or says what is wrong.
func (b Brand) check() (style string, err error) {
	switch {
	case utf8.RuneCountInString(b.Title) > MaxTitle:
		return "", fmt.Errorf("title has more than %d characters", MaxTitle)
	case !utf8.ValidString(b.Title) || strings.ContainsFunc(b.Title, unicode.IsControl):
		return "", errors.New("title is not one line of text")
	case len(b.Logo) > MaxLogo:
		return "", fmt.Errorf("logo has more than %d bytes", MaxLogo)
	case b.Logo != "" && !dataURI.MatchString(b.Logo):
		return "", errors.New("logo is no data URI in base64 of a PNG, JPEG, GIF, WebP or SVG")
	}
	light, err := b.Colors.Light.style(lightColors)
	if err != nil {
		return "", fmt.Errorf("colors.light: %w", err)
	}
	dark, err := b.Colors.Dark.style(darkColors)
	if err != nil {
		return "", fmt.Errorf("colors.dark: %w", err)
	}
	return ":root{" + light + "}\n@media(prefers-color-scheme:dark){:root{" + dark + "}}\n", nil
}

// style is a palette as custom properties: what is chosen, and shades between that.
func (p Palette) style(ours Palette) (string, error) {
	background, err := parseColor("background", p.Background, ours.Background)
	if err != nil {
		return "", err
	}
	text, err := parseColor("text", p.Text, ours.Text)
	if err != nil {
		return "", err
	}
	accent, err := parseColor("accent", p.Accent, ours.Accent)
	if err != nil {
		return "", err
	}
	for name, c := range map[string]color{"text": text, "accent": accent} {
		if got := contrast(c, background); got < MinContrast {
			return "", fmt.Errorf("%s has a contrast of %.1f with the background, at least %.1f is needed", name, got, MinContrast)
		}
	}
	dark, pale := text, background
	if luminance(dark) > luminance(pale) {
		dark, pale = pale, dark
	}
	return fmt.Sprintf("--background:%s;--text:%s;--accent:%s;--muted:%s;--line:%s;--fur:%s;--tail:%s;--belly:%s;--ink:%s;--shade:%s",
		background, text, accent, muted(text, background), mix(text, background, .85),
		mix(accent, background, .3), mix(accent, background, .1), mix(accent, pale, .68), dark, mix(accent, background, .9)), nil
}
