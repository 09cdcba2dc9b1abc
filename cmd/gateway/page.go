package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/dormouse-dev/dormouse/internal/page"
)

// pictures are the types that a logo may have, by the end of its file's name.
var pictures = map[string]string{
	".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp", ".svg": "svg+xml",
}

// pagesOf makes the pages that a file describes. Without one they are the default ones.
func pagesOf(config string) (*page.Pages, error) {
	if config == "" {
		return page.Default(), nil
	}
	text, err := os.ReadFile(config) //nolint:gosec // named by who runs the gateway
	if err != nil {
		return nil, fmt.Errorf("page config: %w", err)
	}
	b := page.Brand{}
	if err := yaml.UnmarshalStrict(text, &b); err != nil {
		return nil, fmt.Errorf("page config %s: %w", config, err)
	}
	if b.Logo, err = logoOf(b.Logo, filepath.Dir(config)); err != nil {
		return nil, fmt.Errorf("page config %s: %w", config, err)
	}
	pages, err := page.New(b)
	if err != nil {
		return nil, fmt.Errorf("page config %s: %w", config, err)
	}
	return pages, nil
}

// logoOf is a logo as a data URI. One that is none is the name of a file, from the folder of the config.
func logoOf(logo, folder string) (string, error) {
	if logo == "" || strings.HasPrefix(logo, "data:") {
		return logo, nil
	}
	picture, ok := pictures[strings.ToLower(filepath.Ext(logo))]
	if !ok {
		return "", fmt.Errorf("logo %q is neither a data URI nor the name of a PNG, JPEG, GIF, WebP or SVG", logo)
	}
	if !filepath.IsAbs(logo) {
		logo = filepath.Join(folder, logo)
	}
	bytes, err := os.ReadFile(logo) //nolint:gosec // named by who runs the gateway
	if err != nil {
		return "", fmt.Errorf("logo: %w", err)
	}
	return "data:image/" + picture + ";base64," + base64.StdEncoding.EncodeToString(bytes), nil
}
