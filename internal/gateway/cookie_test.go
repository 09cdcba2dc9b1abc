package gateway_test

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// The cookie and the parameter are for the gateway, also where the template asks for no credential.
func TestCredentialsAreNotForwarded(t *testing.T) {
	for name, policy := range map[string]*access.Policy{"none": nil, "capability": {Capability: true}} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, policy)
			w.owned(newPod(t, echo), "alice")
			token := w.token(nil)
			got := w.pod("POST /x?a=1&dormouse_token="+token+"&b=%zz;c HTTP/1.1", "Host: a.chess.test", "Content-Length: 0",
				"Cookie: x=1; dormouse="+token+"; y=2", "Cookie: __Host-dormouse="+token)
			if got.URI != "/x?a=1&b=%zz;c" || strings.Join(got.Header["Cookie"], "|") != "x=1; y=2" {
				t.Errorf("the pod saw %s and %q", got.URI, got.Header["Cookie"])
			}
			if strings.Contains(strings.Join(flat(got.Header), " "), "dm1.") {
				t.Errorf("the pod saw the token: %v", got.Header)
			}
		})
	}
}

func flat(h http.Header) (all []string) {
	for _, values := range h {
		all = append(all, values...)
	}
	return all
}

// A credential that is not for the gateway is the application's own.
func TestStrangeCredentialsAreForwarded(t *testing.T) {
	w := newTown(t, &access.Policy{Capability: true})
	w.owned(newPod(t, echo), "alice")
	for _, credential := range []string{"Basic YTpi", "Bearer of.something.else", "Bearer dm2.x"} {
		if got := w.pod("GET / HTTP/1.1", "Host: a.chess.test", "Authorization: "+credential); got.Header.Get("Authorization") != credential {
			t.Errorf("the pod saw %q of %q", got.Header.Get("Authorization"), credential)
		}
	}
}

// A browser that opens a URL with a token has a cookie from then on, and the URL without it.
func TestTokenInURLBecomesACookie(t *testing.T) {
	w := newTown(t, &access.Policy{Use: access.Owner, Capability: true})
	w.publishes(newPod(t, echo))
	token := w.token(nil)
	for target, want := range map[string]string{
		"/?dormouse_token=" + token:                               "/",
		"/x/y%2Fz?a=1&dormouse_token=" + token + "&b=%zz":         "/x/y%2Fz?a=1&b=%zz",
		"//evil.test/?dormouse_token=" + token:                    "/.//evil.test/",
		`/\evil.test/?dormouse_token=` + token:                    `/./\evil.test/`,
		"/chess/a/?dormouse_token=" + url.QueryEscape(token):      "/chess/a/",
		"/chess/a/x?dormouse_token=" + token + "&dormouse_token=": "/chess/a/x",
	} {
		res, body := w.raw("GET "+target+" HTTP/1.1", "Host: a.chess.test")
		wantProblem(t, res, body, 303, answer.ReasonCookieSet)
		if res.Header.Get("Location") != want {
			t.Errorf("%s goes to %q", target, res.Header.Get("Location"))
		}
		if c := res.Header.Get("Set-Cookie"); c != "dormouse="+token+"; Path=/; HttpOnly; SameSite=Lax" {
			t.Errorf("Set-Cookie is %q", c)
		}
	}
	if w.wakes.Load() != 0 {
		t.Error("a redirect woke")
	}
	if res, _ := w.ask("GET", "/", "Cookie", "dormouse="+token); res.StatusCode != 200 {
		t.Errorf("with the cookie: %s", res.Status)
	}
	res, body := w.raw("GET /?dormouse_token="+token[:40]+" HTTP/1.1", "Host: a.chess.test")
	wantProblem(t, res, body, 401, answer.ReasonUnauthenticated)
	if res.Header.Get("Set-Cookie") != "" {
		t.Error("a bad token became a cookie")
	}
}

// Over plain HTTP others can read a URL and a cookie.
func TestPlainHTTPTakesNoTokenOfBrowsers(t *testing.T) {
	w := newTown(t, &access.Policy{Use: access.Owner, Capability: true})
	w.gateway.PlainCookies = false
	w.owned(newPod(t, echo), "alice")
	token := w.token(nil)
	for name, r := range map[string][]string{
		"URL":    {"/?dormouse_token=" + token},
		"cookie": {"/", "Cookie", "dormouse=" + token},
	} {
		res, body := w.ask("GET", r[0], r[1:]...)
		if wantProblem(t, res, body, 401, answer.ReasonUnauthenticated); res.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: a cookie was set", name)
		}
	}
	if res, _ := w.ask("GET", "/", "Authorization", "Bearer "+token); res.StatusCode != 200 {
		t.Errorf("in the header: %s", res.Status)
	}
}

// Behind a proxy that ends TLS, a browser's tokens are taken as over TLS; but not on anybody's word.
func TestTokensOfBrowsersBehindAProxy(t *testing.T) {
	for name, tt := range map[string]struct {
		trusted string
		status  int
	}{"trusted": {"127.0.0.0/8", 200}, "not trusted": {"10.0.0.0/8", 401}} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, &access.Policy{Use: access.Owner, Capability: true}, func(g *gateway.Gateway, _ *gateway.Server) {
				g.Proxies = front.Proxies{netip.MustParsePrefix(tt.trusted)}
				g.RedirectHTTPS = tt.status == 200
			})
			w.gateway.PlainCookies = false
			w.owned(newPod(t, func(rw http.ResponseWriter, r *http.Request) {
				_, _ = rw.Write([]byte(r.Header.Get("X-Forwarded-Proto")))
			}), "alice")
			token := w.token(nil)
			res, _ := w.ask("GET", "/?dormouse_token="+token, "X-Forwarded-Proto", "https")
			cookie := res.Header.Get("Set-Cookie")
			if set := cookie == "__Host-dormouse="+token+"; Path=/; HttpOnly; Secure; SameSite=Lax"; set != (tt.status == 200) {
				t.Errorf("%s, Set-Cookie is %q", res.Status, cookie)
			}
			res, body := w.ask("POST", "/", "X-Forwarded-Proto", "https", "Cookie", "__Host-dormouse="+token, "Origin", "https://a.chess.test")
			if res.StatusCode != 200 && tt.status == 200 || tt.status == 200 && body != "https" {
				t.Errorf("with the cookie: %s %s", res.Status, body)
			}
			res, _ = w.ask("POST", "/", "X-Forwarded-Proto", "https", "Cookie", "__Host-dormouse="+token, "Origin", "http://a.chess.test")
			if tt.status == 200 && res.StatusCode != 403 {
				t.Errorf("from a page that came without TLS: %s", res.Status)
			}
		})
	}
}

// A cookie comes along with whatever a browser sends, so a page of another origin must not use it.
func TestForeignOriginWithCookie(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	w := newTown(t, &access.Policy{Use: access.Owner, Capability: true})
	w.owned(newPod(t, echo), "alice")
	cookie := "dormouse=" + w.token(nil)
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}
	for _, tt := range []struct {
		method, origin string
		header         []string
		forbidden      bool
	}{
		{"GET", "http://a.chess.test", upgrade, false},
		{"GET", "http://A.chess.test", upgrade, false},
		{"GET", "http://b.chess.test", upgrade, true},
		{"GET", "https://a.chess.test", upgrade, false}, // somebody has ended TLS before us
		{"GET", "http://a.chess.test:81", upgrade, true},
		{"GET", "null", upgrade, true},
		{"GET", "", upgrade, false}, // no browser
		{"POST", "http://b.chess.test", nil, true},
		{"POST", "http://a.chess.test", nil, false},
		{"GET", "http://b.chess.test", nil, false}, // which its page cannot read
	} {
		header := append([]string{"Cookie", cookie}, tt.header...)
		if tt.origin != "" {
			header = append(header, "Origin", tt.origin)
		}
		res, body := w.ask(tt.method, "/", header...)
		if forbidden := res.StatusCode == 403; forbidden != tt.forbidden {
			t.Errorf("%s from %q: %s %s", tt.method, tt.origin, res.Status, body)
		}
	}
	res, _ := w.ask("POST", "/", "Authorization", "Bearer "+w.token(nil), "Origin", "http://b.chess.test")
	if res.StatusCode != 200 {
		t.Errorf("with a header, which no browser adds by itself: %s", res.Status)
	}
}

// An application that has bearer tokens of its own gets them beside our cookie.
func TestStrangeBearerBesideTheCookie(t *testing.T) {
	w := newTown(t, &access.Policy{Use: access.Owner, Capability: true})
	w.owned(newPod(t, echo), "alice")
	got := w.pod("GET / HTTP/1.1", "Host: a.chess.test", "Authorization: Bearer its.own.token", "Cookie: dormouse="+w.token(nil))
	if got.Header.Get("Authorization") != "Bearer its.own.token" || got.Header.Get("Cookie") != "" || got.Header.Get("Session-Caller") != "alice" {
		t.Errorf("the pod saw %v", got.Header)
	}
}

// A stale cookie, or one for another session of the host, is no credential: it says nothing against anybody.
func TestBadCookieIsNone(t *testing.T) {
	w := newTown(t, &access.Policy{Capability: true})
	w.owned(newPod(t, echo), "alice")
	other := w.token(func(c *access.Capability) { c.Session = "chess.b" })
	if res, body := w.ask("GET", "/", "Cookie", "dormouse="+other); res.StatusCode != 200 {
		t.Errorf("got %s %s", res.Status, body)
	}
}

// A pod does not set what is the gateway's.
func TestPodSetsNoCookieOfOurs(t *testing.T) {
	w := newTown(t, nil)
	w.owned(newPod(t, func(rw http.ResponseWriter, _ *http.Request) {
		for _, c := range []string{"a=1", "__Host-dormouse=x; Path=/; Secure", "dormouse=x", "dormouse2=y"} {
			rw.Header().Add("Set-Cookie", c)
		}
	}), "alice")
	if res, _ := w.ask("GET", "/"); strings.Join(res.Header["Set-Cookie"], "|") != "a=1|dormouse2=y" {
		t.Errorf("got %q", res.Header["Set-Cookie"])
	}
}

// Who is let in by a token is let in for as long as that is good.
func TestWebSocketEndsWithItsToken(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	w := newTown(t, &access.Policy{Use: access.Owner, Capability: true})
	w.owned(newPod(t, func(rw http.ResponseWriter, r *http.Request) {
		if conn, err := websocket.Accept(rw, r, nil); err == nil {
			_, _, _ = conn.Read(r.Context())
		}
	}), "alice")
	token := w.token(func(c *access.Capability) { c.Expires = time.Now().Unix() + 2 })
	conn, _, err := websocket.Dial(t.Context(), "ws://"+w.addr+"/", &websocket.DialOptions{
		Host: "a.chess.test", HTTPHeader: http.Header{"Authorization": {"Bearer " + token}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("it ends with %v", err)
	}
}
