// Package key is the name: it turns the key in a request into the name of the Session that serves it.
//
// Gateway and operator share it, so a key never names two Sessions. A key that is a DNS label is the name itself,
// behind the template; any other key is hashed, and carries a second dot that no plain key has, so the two kinds
// never meet.
package key

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	// MaxLen is the largest length of a key in bytes, as in Session.spec.key.
	MaxLen = 1024

	maxLabel = 63 // of a DNS label, RFC 1035
	maxSlug  = 32 // what a name shows of a key that is no label
	hashed   = 16 // bytes of SHA-256 in a name: 26 digits of base32
)

// What is wrong with a key.
var (
	ErrEmpty   = errors.New("key is empty")
	ErrTooLong = errors.New("key has more than 1024 bytes")
	ErrNotUTF8 = errors.New("key is not valid UTF-8")
	ErrNUL     = errors.New("key has a NUL, which no environment variable can carry")
)

var digits = base32.HexEncoding.WithPadding(base32.NoPadding)

// Name gives the name of the Session of a key: <template>.<key> if the key is a DNS label, and <template>.<slug>-<hash>.x
// or <template>.<hash>.x for any other key of 1 to MaxLen bytes of UTF-8. The template must be a DNS label.
func Name(template, key string) (string, error) {
	if !IsLabel(template) {
		return "", fmt.Errorf("template %q is not a DNS label", template)
	}
	if err := Check(key); err != nil {
		return "", err
	}
	if IsLabel(key) {
		return template + "." + key, nil
	}
	sum := sha256.Sum256([]byte(key))
	hash := strings.ToLower(digits.EncodeToString(sum[:hashed]))
	if s := slug(key); s != "" {
		hash = s + "-" + hash
	}
	return template + "." + hash + ".x", nil
}

// Check says what is wrong with a key, whatever the pattern of its template: ErrEmpty, ErrTooLong, ErrNotUTF8 or ErrNUL.
func Check(key string) error {
	switch {
	case key == "":
		return ErrEmpty
	case len(key) > MaxLen:
		return ErrTooLong
	case !utf8.ValidString(key):
		return ErrNotUTF8
	case strings.Contains(key, "\x00"):
		return ErrNUL
	}
	return nil
}

// Pattern compiles a template's key.pattern, an RE2 expression that a whole key must match.
func Pattern(expr string) (*regexp.Regexp, error) {
	// By itself first: "a)|(b" is wrong, and would be right between the brackets below.
	if _, err := regexp.Compile(expr); err != nil {
		return nil, fmt.Errorf("compile key pattern: %w", err)
	}
	anchored, err := regexp.Compile(`\A(?:` + expr + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("anchor key pattern: %w", err)
	}
	return anchored, nil
}

// IsLabel says whether s is a DNS label: ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ of at most 63 characters.
func IsLabel(s string) bool {
	if s == "" || len(s) > maxLabel || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if s[i] != '-' && !isAlnum(s[i]) {
			return false
		}
	}
	return true
}

// slug is what a person recognizes of a key: its letters and digits in lower case, with one '-' for whatever is between
// them, and at most maxSlug characters. It may be empty.
func slug(key string) string {
	var b strings.Builder
	for i := 0; i < len(key) && b.Len() < maxSlug; i++ {
		c := key[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if isAlnum(c) {
			b.WriteByte(c)
			continue
		}
		if s := b.String(); s != "" && s[len(s)-1] != '-' {
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
}
