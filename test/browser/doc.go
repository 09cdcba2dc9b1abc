// Package browser shows the gateway's pages to a real browser: headless Chromium, in front of a gateway with pods of its own.
package browser
