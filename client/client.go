package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Options of a Client. The zero value will do.
type Options struct {
	// HTTP makes the requests; nil: http.DefaultClient. A time-out of it ends watches too.
	HTTP *http.Client
	// Token gives the credential of each request, which is sent as Bearer; nil: none. It is called for each anew.
	Token func() (string, error)
}

// Client calls the Session API of a gateway. It is safe for concurrent use.
type Client struct {
	base    string
	options Options
}

// New makes a client of the gateway at a URL, as http://gateway.example.com.
func New(baseURL string, o Options) *Client {
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	return &Client{base: strings.TrimSuffix(baseURL, "/"), options: o}
}

// Problem is why the gateway did not do what it was asked for.
type Problem struct {
	Status     int    `json:"status"`
	Reason     string `json:"reason"` // one constant word
	Title      string `json:"title"`
	Detail     string `json:"detail"`
	Cause      string `json:"cause"`
	Limit      string `json:"limit"`             // that is reached
	RetryAfter int64  `json:"retryAfterSeconds"` // zero: not known
}

// Error is the reason, and the words for it.
func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s: %s", p.Status, p.Reason, p.Title)
	if p.Detail != "" {
		text += " " + p.Detail
	}
	return text
}

// Get looks a session up. It wakes nothing. Where there is none, the error is a *Problem with the status 404.
func (c *Client) Get(ctx context.Context, ref Ref) (Session, error) {
	var s Session
	_, err := c.call(ctx, http.MethodGet, ref.path(), nil, &s)
	return s, err
}

// Create makes a session, and says whether it was made or was there. One that is there otherwise is a *Problem with the status 409.
func (c *Client) Create(ctx context.Context, ref Ref, n Spec) (s Session, made bool, err error) {
	status, err := c.call(ctx, http.MethodPut, ref.path(), n, &s)
	return s, status == http.StatusCreated, err
}

// Wake sees to it that a session is wanted. With wait it returns when the session is up, or why it will not be.
func (c *Client) Wake(ctx context.Context, ref Ref, wait bool) (Session, error) {
	path := ref.path() + "/wake"
	if wait {
		path += "?wait=true"
	}
	var s Session
	_, err := c.call(ctx, http.MethodPost, path, nil, &s)
	return s, err
}

// Sleep lets a session fall asleep as soon as nobody is there, before its time.
func (c *Client) Sleep(ctx context.Context, ref Ref) (Session, error) {
	var s Session
	_, err := c.call(ctx, http.MethodPost, ref.path()+"/sleep", nil, &s)
	return s, err
}

// Delete begins the end of a session: the one of that UID only, unless it is empty.
func (c *Client) Delete(ctx context.Context, ref Ref, uid string) (Session, error) {
	path := ref.path()
	if uid != "" {
		path += "?uid=" + url.QueryEscape(uid)
	}
	var s Session
	_, err := c.call(ctx, http.MethodDelete, path, nil, &s)
	return s, err
}

// Explain says why a session is up, or why it is not there yet.
func (c *Client) Explain(ctx context.Context, ref Ref) (Explanation, error) {
	var e Explanation
	_, err := c.call(ctx, http.MethodGet, ref.path()+"/explain", nil, &e)
	return e, err
}

// path is that of a session. A key that is a dot segment is written so that nobody on the way takes it for one.
func (r Ref) path() string {
	key := url.PathEscape(r.Key)
	if key == "." || key == ".." {
		key = strings.ReplaceAll(key, ".", "%2E")
	}
	return r.sessions() + "/" + key
}

func (r Ref) sessions() string {
	return Root + "namespaces/" + url.PathEscape(r.Namespace) + "/templates/" + url.PathEscape(r.Template) + "/sessions"
}

// call makes a request with a JSON body, if there is one, and reads the JSON of the answer.
func (c *Client) call(ctx context.Context, method, path string, in, out any) (status int, err error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return 0, fmt.Errorf("write the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	res, err := c.send(ctx, method, path, "application/json", body)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return res.StatusCode, fmt.Errorf("read the answer: %w", err)
	}
	return res.StatusCode, nil
}

// send gives an answer that is no refusal, whose body must be closed.
func (c *Client) send(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body) //nolint:gosec // where to is the caller's to say
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", contentType)
	}
	if c.options.Token != nil {
		token, err := c.options.Token()
		if err != nil {
			return nil, fmt.Errorf("read the token: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.options.HTTP.Do(r) //nolint:gosec // as above
	if err != nil {
		return nil, err
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	p := &Problem{Status: res.StatusCode}
	_ = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(p) // what is no problem document is not the gateway's: the status says all
	p.Status = res.StatusCode
	return nil, p
}
