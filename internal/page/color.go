package page

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// color is red, green and blue, each from 0 to 255.
type color [3]float64

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func parseColor(name, s, otherwise string) (color, error) {
	if s == "" {
		s = otherwise
	}
	if !hexColor.MatchString(s) {
		return color{}, fmt.Errorf("%s is not of the form #rrggbb: %q", name, s)
	}
	n, err := strconv.ParseUint(s[1:], 16, 32)
	return color{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}, err
}

// String is the form that a style sheet takes.
func (c color) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0])), int(math.Round(c[1])), int(math.Round(c[2])))
}

// mix is a colour on the way from one to another; share is how much of the way.
func mix(from, to color, share float64) (c color) {
	for i := range c {
		c[i] = from[i] + (to[i]-from[i])*share
	}
	return c
}

// muted is text that steps back as far as it can still be read.
func muted(text, background color) color {
	for share := .35; share > 0; share -= .05 {
		if c := mix(text, background, share); contrast(c, background) >= MinContrast+.5 {
			return c
		}
	}
	return text
}

// contrast is the ratio of two colours' luminance, from 1 to 21, by WCAG 2.
func contrast(a, b color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}

func luminance(c color) float64 {
	var linear color
	for i, v := range c {
		v /= 255
		if linear[i] = math.Pow((v+.055)/1.055, 2.4); v <= .04045 {
			linear[i] = v / 12.92
		}
	}
	return .2126*linear[0] + .7152*linear[1] + .0722*linear[2]
}
