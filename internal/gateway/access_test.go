package gateway_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// town is a gateway in front of key "a", which is alice's, with tokens of ours.
type town struct {
	*world
	keys  *access.Keys
	looks atomic.Int64
	there access.Session // as the API server has it; zero: there is none
	fails error
	rbac  []access.Verb
}

// Look implements admission.Authority.
func (t *town) Look(_ context.Context, id directory.ID) (access.Session, error) {
	if s, known := t.Known(id); known {
		return s, nil
	}
	t.looks.Add(1)
	return t.there, t.fails
}

// Known implements admission.Authority.
func (t *town) Known(id directory.ID) (s access.Session, known bool) {
	s.UID, s.Owner, known = t.dir.Look(id)
	return s, known
}

// Verify implements access.Cluster: whoever comes is a bot, which may do what rbac says.
func (t *town) Verify(context.Context, string, access.Place, access.Verb, netip.Addr) (access.Caller, error) {
	return access.Caller{Subject: "system:serviceaccount:games:bot", Right: &access.Right{Verbs: t.rbac}}, t.fails
}

func newTown(t *testing.T, policy *access.Policy, change ...func(*gateway.Gateway, *gateway.Server)) *town {
	t.Helper()
	w := &town{keys: &access.Keys{}, there: access.Session{UID: "uid-a", Owner: "alice"}}
	if err := w.keys.Set([][]byte{[]byte(strings.Repeat("k", 32))}); err != nil {
		t.Fatal(err)
	}
	change = append(change, func(g *gateway.Gateway, _ *gateway.Server) {
		g.Capabilities, g.Authority, g.Tokens, g.PlainCookies = w.keys, w, w, true
	})
	w.world = newWorld(t, chess(func(t *resolve.Template) { t.Access = policy }), change...)
	return w
}

// publishes says that a wake publishes the session of key "a", and gives what was wished for.
func (t *town) publishes(pod string) <-chan directory.Wish {
	wishes := make(chan directory.Wish, 100)
	t.wakeBy(func(_ context.Context, w directory.Wish) error {
		wishes <- w
		t.owned(pod, "alice")
		return nil
	})
	return wishes
}

// owned publishes the session of key "a" as somebody's.
func (t *town) owned(pod, owner string) {
	host, port, _ := strings.Cut(pod, ":")
	t.dir.Apply(id("a"), directory.View{
		Version: t.version.Add(1), UID: "uid-a", Owner: owner, State: directory.Reachable, Epoch: 1, IdleAfter: time.Minute, Counts: true,
		Pod: directory.Pod{UID: "pod-a", Address: host, Port: number(port), H2C: isH2C(pod)},
	})
}

func number(s string) (n int) {
	for _, r := range s {
		n = 10*n + int(r-'0')
	}
	return n
}

// token is one that allows its bearer something at key "a", as far as change does not say otherwise.
func (t *town) token(change func(*access.Capability)) string {
	t.t.Helper()
	c := access.Capability{Namespace: "games", Session: "chess.a", Verbs: []access.Verb{access.Use, access.Wake}, Expires: time.Now().Unix() + 3600, Subject: "alice"}
	if change != nil {
		change(&c)
	}
	token, err := t.keys.Sign(c)
	if err != nil {
		t.t.Fatal(err)
	}
	return token
}

func (t *town) ask(method, path string, header ...string) (*http.Response, string) {
	t.t.Helper()
	r := t.request(method, "a", path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return t.do(r)
}

// A request of one who may not is neither served nor does it wake, and says what is missing.
func TestWhoMayNotDoesNotWake(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*access.Capability) // nil: no token
		status int
		reason answer.Reason
	}{
		"nobody":                {nil, 401, answer.ReasonUnauthenticated},
		"expired":               {func(c *access.Capability) { c.Expires = 1 }, 401, answer.ReasonUnauthenticated},
		"for another session":   {func(c *access.Capability) { c.Session = "chess.b" }, 401, answer.ReasonUnauthenticated},
		"for another namespace": {func(c *access.Capability) { c.Namespace = "other" }, 401, answer.ReasonUnauthenticated},
		"for another UID":       {func(c *access.Capability) { c.SessionUID = "uid-old" }, 403, answer.ReasonForbidden},
		"only to look":          {func(c *access.Capability) { c.Verbs = []access.Verb{access.Look} }, 403, answer.ReasonForbidden},
	} {
		for _, asleep := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", asleep", false: ", awake"}[asleep], func(t *testing.T) {
				w := newTown(t, &access.Policy{Use: access.Owner, Capability: true})
				pod := newPod(t, func(http.ResponseWriter, *http.Request) { t.Error("the pod was asked") })
				if !asleep {
					w.owned(pod, "alice")
				}
				var header []string
				if tt.change != nil {
					header = []string{"Authorization", "Bearer " + w.token(tt.change)}
				}
				res, body := w.ask("GET", "/", header...)
				wantProblem(t, res, body, tt.status, tt.reason)
				if challenge := res.Header.Get("WWW-Authenticate"); (challenge == "Bearer") != (tt.status == 401) {
					t.Errorf("WWW-Authenticate is %q", challenge)
				}
				if w.wakes.Load() != 0 {
					t.Error("it woke")
				}
			})
		}
	}
}

// Who may is served, awake or asleep, and no pod sees the credential; it is told who calls.
func TestWhoMayIsServed(t *testing.T) {
	w := newTown(t, &access.Policy{Use: access.Owner, Capability: true})
	wishes := w.publishes(newPod(t, echo))
	for range 2 {
		got := w.pod("GET / HTTP/1.1", "Host: a.chess.test", "Authorization: Bearer "+w.token(nil), "Session-Caller: mallory")
		if got.Header.Get("Authorization") != "" || got.Header.Get("Session-Caller") != "alice" {
			t.Errorf("the pod saw %v", got.Header)
		}
	}
	if wish := <-wishes; wish.Owner != "alice" || wish.Create {
		t.Errorf("wish %+v: this token may not create", wish)
	}
	if n := w.wakes.Load(); n != 1 {
		t.Errorf("%d wakes", n)
	}
}

// Who may use is one thing, and who may wake another.
func TestAnyoneMayUseAndTheOwnerWake(t *testing.T) {
	w := newTown(t, &access.Policy{Wake: access.Owner, Capability: true})
	pod := newPod(t, echo)
	w.publishes(pod)
	res, body := w.ask("GET", "/")
	wantProblem(t, res, body, 401, answer.ReasonUnauthenticated)
	if w.wakes.Load() != 0 {
		t.Error("anyone woke it")
	}
	w.pod("GET / HTTP/1.1", "Host: a.chess.test", "Authorization: Bearer "+w.token(nil))
	if got := w.pod("GET / HTTP/1.1", "Host: a.chess.test"); got.Header.Get("Session-Caller") != "" {
		t.Errorf("the pod saw %v", got.Header)
	}
}

// While who owns a session cannot be found out, nobody is served whom that concerns.
func TestUnknownOwnerIsUnavailable(t *testing.T) {
	w := newTown(t, &access.Policy{Use: access.Owner, Capability: true})
	w.fails = errors.New("down")
	res, body := w.ask("GET", "/", "Authorization", "Bearer "+w.token(func(c *access.Capability) { c.SessionUID = "uid-a" }))
	wantProblem(t, res, body, 503, answer.ReasonUnavailable)
	if w.wakes.Load() != 0 {
		t.Error("it woke")
	}
}

// signer signs JSON Web Tokens for the tests.
var signer, public = func() (jose.Signer, ed25519.PublicKey) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, nil)
	if err != nil {
		panic(err)
	}
	return s, public
}()

// jwtOf is a token of the issuer "id", or of another.
func jwtOf(t *testing.T, issuer, subject, tenant string) string {
	t.Helper()
	token, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": issuer, "aud": "dormouse", "sub": subject, "org": tenant, "exp": time.Now().Unix() + 3600,
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// byJWT is a policy that takes tokens of the issuer "id".
func byJWT(t *testing.T, p access.Policy) *access.Policy {
	t.Helper()
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public}}})
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := access.NewIssuer(access.IssuerConfig{
		Issuer: "id", Audiences: []string{"dormouse"}, JWKS: string(set), SubjectClaim: "sub", TenantClaim: "org",
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Issuers = []*access.Issuer{issuer}
	return &p
}

// Of two who are known, the owner is served, and the other neither is nor wakes, nor keeps awake.
func TestOwner(t *testing.T) {
	w := newTown(t, byJWT(t, access.Policy{Use: access.Owner}))
	w.there.Owner = "id#alice"
	pod := newPod(t, echo)
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		if wish.Owner != "id#alice" || wish.New {
			t.Errorf("wish %+v", wish)
		}
		w.owned(pod, "id#alice")
		return nil
	})
	alice, bob := "Bearer "+jwtOf(t, "id", "alice", "acme"), "Bearer "+jwtOf(t, "id", "bob", "acme")
	res, body := w.ask("GET", "/", "Authorization", bob)
	wantProblem(t, res, body, 403, answer.ReasonForbidden)
	if w.wakes.Load() != 0 || w.looks.Load() != 1 {
		t.Errorf("%d wakes, %d looks", w.wakes.Load(), w.looks.Load())
	}
	if res, body := w.ask("GET", "/", "Authorization", alice); res.StatusCode != 200 {
		t.Errorf("the owner got %s %s", res.Status, body)
	}
	res, body = w.ask("GET", "/", "Authorization", bob)
	wantProblem(t, res, body, 403, answer.ReasonForbidden)
	if n := w.looks.Load(); n != 2 {
		t.Errorf("%d looks: of a session in sight it is known whose it is", n)
	}
}

// A request that is barred is no activity: not in the least does it count as a visit.
func TestWhoIsBarredLeavesNoTrace(t *testing.T) {
	w := newTown(t, byJWT(t, access.Policy{Use: access.Owner}))
	w.owned(newPod(t, echo), "id#alice")
	r := w.request("GET", "a", "/", nil)
	r.Header.Set("Authorization", "Bearer "+jwtOf(t, "id", "bob", "acme"))
	res, body := w.do(r)
	wantProblem(t, res, body, 403, answer.ReasonForbidden)
	if n := w.enters.Load(); n != 0 {
		t.Errorf("%d visits", n)
	}
}

// Whoever makes a session owns it, and has it on its tenant's account. It is made only where there was none.
func TestWhoMakesASessionOwnsIt(t *testing.T) {
	w := newTown(t, byJWT(t, access.Policy{Use: access.Owner}))
	w.there = access.Session{}
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		want := directory.Wish{
			ID: id("a"), Template: "chess", Key: "a", Create: true, IdleAfter: time.Minute, New: true, Owner: "id#bob", Tenant: "acme",
		}
		if wish != want {
			t.Errorf("wish %+v, want %+v", wish, want)
		}
		w.there = access.Session{UID: "uid-a", Owner: "id#alice"} // who was quicker
		return nil
	})
	res, body := w.ask("GET", "/", "Authorization", "Bearer "+jwtOf(t, "id", "bob", "acme"))
	wantProblem(t, res, body, 403, answer.ReasonForbidden)
	if n := w.wakes.Load(); n != 1 {
		t.Errorf("%d wakes", n)
	}
}

// A session that was made again while its former owner waited for it is not the former owner's.
func TestAnotherOwnersPodIsNotSeen(t *testing.T) {
	w := newTown(t, byJWT(t, access.Policy{Use: access.Owner}))
	w.there.Owner = "id#alice"
	pod := newPod(t, func(http.ResponseWriter, *http.Request) { t.Error("the pod was asked") })
	w.wakeBy(func(context.Context, directory.Wish) error {
		w.owned(pod, "id#bob")
		return nil
	})
	res, body := w.ask("GET", "/", "Authorization", "Bearer "+jwtOf(t, "id", "alice", "acme"))
	wantProblem(t, res, body, 403, answer.ReasonForbidden)
}

// What RBAC says holds, whoever owns the session.
func TestKubernetesToken(t *testing.T) {
	w := newTown(t, &access.Policy{Use: access.Owner, Kubernetes: true})
	w.owned(newPod(t, echo), "alice")
	token := "Bearer " + jwtOf(t, "https://kubernetes.default.svc", "bot", "acme")
	res, body := w.ask("GET", "/", "Authorization", token)
	wantProblem(t, res, body, 403, answer.ReasonForbidden)
	w.rbac = []access.Verb{access.Use}
	got := w.pod("GET / HTTP/1.1", "Host: a.chess.test", "Authorization: "+token)
	if caller := got.Header.Get("Session-Caller"); caller != "system:serviceaccount:games:bot" {
		t.Errorf("the pod was called by %q", caller)
	}
	w.fails = errors.New("down")
	res, body = w.ask("GET", "/", "Authorization", token)
	wantProblem(t, res, body, 503, answer.ReasonUnavailable)
}

// What is asked over the API is decided as a request is.
func TestAuthorize(t *testing.T) {
	w := newTown(t, byJWT(t, access.Policy{Use: access.Authenticated}))
	w.there.Owner = "id#alice"
	for _, tt := range []struct {
		subject string
		verb    access.Verb
		want    answer.Reason
	}{
		{"", access.Look, answer.ReasonUnauthenticated},
		{"", access.Delete, answer.ReasonUnauthenticated},
		{"bob", access.Wake, ""},
		{"bob", access.Delete, answer.ReasonForbidden},
		{"alice", access.Delete, ""},
	} {
		r := w.request("GET", "a", "/", nil)
		r.RequestURI, r.RemoteAddr = "/", "10.0.0.1:1"
		if tt.subject != "" {
			r.Header.Set("Authorization", "Bearer "+jwtOf(t, "id", tt.subject, "acme"))
		}
		target, err := w.gateway.Table.Resolve(r)
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.gateway.Authorize(r, target, tt.verb)
		var p *answer.Problem
		switch {
		case tt.want == "" && (err != nil || c.Subject != "id#"+tt.subject || c.Tenant != "acme"):
			t.Errorf("%s may not %s: %+v, %v", tt.subject, tt.verb, c, err)
		case tt.want != "" && (!errors.As(err, &p) || p.Reason != tt.want):
			t.Errorf("%s may %s: %v", tt.subject, tt.verb, err)
		}
	}
}

// 004-02: a claim of a token is a key only where the token is good, and only where nothing else of the request names one.
func TestKeyInAClaim(t *testing.T) {
	tmpl := chess(func(tmpl *resolve.Template) {
		tmpl.Routes = append(tmpl.Routes, resolve.Route{Claim: "sub"})
		tmpl.Access = byJWT(t, access.Policy{Use: access.Authenticated})
	})
	w := newWorld(t, tmpl)
	pod := newPod(t, echo)
	w.publish("a", "pod-a", pod, 1)
	w.publish("bob", "pod-b", pod, 1)
	alice, a := "Authorization: Bearer "+jwtOf(t, "id", "a", "acme"), "Host: a.chess.test"
	for name, lines := range map[string][]string{
		"the claim":                  {"Host: test", alice},
		"the host before the claim":  {a, "Authorization: Bearer " + jwtOf(t, "id", "bob", "acme")},
		"the header before it, too":  {"Host: test", "X-Chess-Table: a", "Authorization: Bearer " + jwtOf(t, "id", "bob", "acme")},
		"a claim that is said twice": {"Host: test", "Session-Key: bob", alice},
	} {
		got := w.pod(append([]string{"GET /x?y HTTP/1.1"}, lines...)...)
		if got.Header.Get("Session-Key") != "a" || got.URI != "/x?y" || got.Header.Get("Authorization") != "" {
			t.Errorf("%s: the pod of %q was asked for %s with %v", name, got.Header.Get("Session-Key"), got.URI, got.Header)
		}
	}
	for name, tt := range map[string]struct {
		line   string
		status int
		reason answer.Reason
	}{
		"no token":               {"X: y", 404, answer.ReasonNoRoute},
		"of another issuer":      {"Authorization: Bearer " + jwtOf(t, "other", "a", "acme"), 404, answer.ReasonNoRoute},
		"forged":                 {alice[:len(alice)-4] + "AAAA", 401, answer.ReasonUnauthenticated},
		"no token, but a scheme": {"Authorization: Basic YTpi", 404, answer.ReasonNoRoute},
	} {
		res, body := w.raw("GET / HTTP/1.1", "Host: test", tt.line)
		if wantProblem(t, res, body, tt.status, tt.reason); t.Failed() {
			t.Fatal(name)
		}
	}
}
