package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

const (
	// DefaultTimeout is how long the answer to a probe may take.
	DefaultTimeout = 15 * time.Second
	// slowTimeout is how long that to a slow one may take: the gateway's time-outs are shorter.
	slowTimeout = time.Minute
)

// Target is a session, as clients reach it.
type Target struct {
	// URL is its http or https URL: where the session's path / is. If a segment of the path is the key, it must be the last.
	URL *url.URL
	// Dial opens a connection. Nil: to the host of the URL, with TLS if that is https.
	Dial func(ctx context.Context) (net.Conn, error)
	// Timeout is how long the answer to a probe may take; zero: DefaultTimeout.
	Timeout time.Duration
	// Echo says that the workload is Echo. Look finds out.
	Echo bool
}

// Parse makes a Target of a URL.
func Parse(rawURL string) (Target, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil:
		return Target{}, fmt.Errorf("parse URL: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return Target{}, errors.New("the URL must begin with http:// or https:// and a host")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return Target{}, errors.New("the URL must have no user, no query and no fragment")
	}
	return Target{URL: u}, nil
}

// Look asks for the session's path /, waking it if need be, and says in Echo whether its workload echoes. Where the gateway refuses
// that, no verdict of a probe would mean anything.
func (t Target) Look(ctx context.Context) (Target, error) {
	answer, err := t.exchange(ctx, []string{"GET {path} HTTP/1.1", "Host: {host}", "", ""})
	if err == nil && answer.Status == 0 {
		err = errors.New("the connection was closed without an answer")
	}
	if err != nil {
		return t, fmt.Errorf("ask for %s: %w", t.URL, err)
	}
	if why := answer.reason(); why != "" {
		return t, fmt.Errorf("%s is not the URL of a session that can be used: the gateway says %d %s, and docs/troubleshooting.md what that means", t.URL, answer.Status, why)
	}
	t.Echo = answer.Seen != nil
	return t, nil
}

func (t Target) timeout(slow bool) time.Duration {
	switch {
	case slow:
		return slowTimeout
	case t.Timeout != 0:
		return t.Timeout
	}
	return DefaultTimeout
}

// fill puts the parts of the target into what a probe sends.
func (t Target) fill(text string) string {
	name := t.URL.Hostname()
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	_, site, dotted := strings.Cut(name, ".")
	if !dotted {
		site = "example.com"
	}
	return strings.NewReplacer(
		"{host}", t.URL.Host, "{name}", name, "{site}", site, "{path}", t.path(), "{parent}", t.parent(),
	).Replace(text)
}

// path is the session's path /.
func (t Target) path() string { return strings.TrimSuffix(t.URL.EscapedPath(), "/") + "/" }

// parent is the path up to the segment of the key; empty: there is none.
func (t Target) parent() string {
	path := strings.TrimSuffix(t.path(), "/")
	return path[:strings.LastIndexByte(path, '/')+1]
}

func (t Target) dial(ctx context.Context) (net.Conn, error) {
	if t.Dial != nil {
		return t.Dial(ctx)
	}
	return Dialer(t.URL, "", &tls.Config{MinVersion: tls.VersionTLS12})(ctx)
}

// Dialer opens connections to the host of a URL, or at address if that is not empty; with TLS if the URL says https.
func Dialer(u *url.URL, address string, config *tls.Config) func(ctx context.Context) (net.Conn, error) {
	port := u.Port()
	switch {
	case address != "":
	case port != "":
		address = u.Host
	case u.Scheme == "https":
		address = net.JoinHostPort(u.Hostname(), "443")
	default:
		address = net.JoinHostPort(u.Hostname(), "80")
	}
	if u.Scheme != "https" {
		return func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "tcp", address) }
	}
	config = config.Clone()
	config.ServerName, config.NextProtos = u.Hostname(), []string{"http/1.1"}
	return func(ctx context.Context) (net.Conn, error) {
		return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	}
}
