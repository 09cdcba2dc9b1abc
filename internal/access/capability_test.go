package access

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

var (
	oldKey   = []byte(strings.Repeat("old", 11))
	newKey   = []byte(strings.Repeat("new", 11))
	otherKey = []byte(strings.Repeat("key", 11))
)

func keysOf(t *testing.T, all ...[]byte) *Keys {
	t.Helper()
	k := &Keys{}
	if err := k.Set(all); err != nil {
		t.Fatal(err)
	}
	return k
}

// A token of ours is good at its session, until it expires, under each of the keys that there are.
func TestCapability(t *testing.T) {
	c := Capability{Namespace: "games", Session: "chess.a", SessionUID: "1", Verbs: []Verb{Use, Wake}, Expires: now.Unix() + 60, Subject: "alice", Tenant: "acme"}
	token, err := keysOf(t, oldKey).Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(token, "dm1.") {
		t.Fatalf("token %q", token)
	}
	both, here := keysOf(t, newKey, oldKey), Place{"games", "chess.a"}
	body, sum, _ := strings.Cut(strings.TrimPrefix(token, "dm1."), ".")
	for name, tt := range map[string]struct {
		keys  *Keys
		token string
		at    Place
		after time.Duration
		want  string // of why it is not good; empty: it is
	}{
		"good":                         {keysOf(t, oldKey), token, here, 0, ""},
		"of the second key":            {both, token, here, 0, ""},
		"in its last second":           {both, token, here, 59 * time.Second, ""},
		"expired":                      {both, token, here, 60 * time.Second, "has expired"},
		"of another session":           {both, token, Place{"games", "chess.b"}, 0, "another session"},
		"of another namespace":         {both, token, Place{"other", "chess.a"}, 0, "another session"},
		"of a key that was taken away": {keysOf(t, newKey), token, here, 0, "no key"},
		"of another key":               {keysOf(t, otherKey), token, here, 0, "no key"},
		"without any key":              {keysOf(t), token, here, 0, "no key"},
		"without keys at all":          {nil, token, here, 0, "no key"},
		"truncated":                    {both, token[:len(token)-1], here, 0, "no key"},
		"without a signature":          {both, "dm1." + body + ".", here, 0, "no key"},
		"without the dot":              {both, "dm1." + body, here, 0, "no key"},
		"of nothing":                   {both, "dm1.", here, 0, "no key"},
		"of another version":           {both, "dm2." + body + "." + sum, here, 0, "no key"},
		"longer":                       {both, "dm1." + body + "A." + sum, here, 0, "no key"},
		"too long":                     {both, "dm1." + strings.Repeat("A", maxToken), here, 0, "no key"},
		"with loose ends":              {both, token + "=", here, 0, "no key"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.keys.verify(tt.token, tt.at, now.Add(tt.after))
			var bad *InvalidError
			switch {
			case tt.want == "":
				want := Caller{Subject: "alice", Tenant: "acme", Until: time.Unix(c.Expires, 0), Right: &Right{Verbs: []Verb{Use, Wake}, SessionUID: "1"}}
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got %+v, %v", got, err)
				}
			case !errors.As(err, &bad) || !strings.Contains(bad.Why, tt.want) || !got.Anonymous():
				t.Errorf("got %+v, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// What the first key signs is good under it alone, so the other may go.
func TestFirstKeySigns(t *testing.T) {
	token, err := keysOf(t, newKey, oldKey).Sign(Capability{Session: "a", Expires: now.Unix() + 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keysOf(t, newKey).verify(token, Place{Name: "a"}, now); err != nil {
		t.Error(err)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	k := keysOf(t, newKey)
	if err := k.Set([][]byte{newKey, []byte("short")}); err == nil {
		t.Error("a short key is taken")
	}
	if _, err := k.Sign(Capability{}); err != nil {
		t.Errorf("the keys that were are gone: %v", err)
	}
	if _, err := keysOf(t).Sign(Capability{}); err == nil {
		t.Error("signed without a key")
	}
	if _, err := k.Sign(Capability{Subject: strings.Repeat("a", maxToken)}); err == nil {
		t.Error("signed a token that is too long to be taken")
	}
}

// FuzzCapability: no text that is not signed opens.
func FuzzCapability(f *testing.F) {
	f.Add("dm1.e30.AAAA")
	f.Add("dm1..")
	f.Fuzz(func(t *testing.T, token string) {
		k := &Keys{}
		_ = k.Set([][]byte{newKey})
		if c, err := k.verify(token, Place{}, time.Time{}); err == nil {
			t.Fatalf("%q opens as %+v", token, c)
		}
	})
}

// The token that the shell script of docs/access.md makes is good: its format is for others to make too.
func TestCapabilityOfTheDocs(t *testing.T) {
	const token = "dm1.eyJucyI6ImdhbWVzIiwic2VzIjoibm90ZWJvb2suNDIiLCJjYW4iOlsidXNlIiwid2FrZSJdLCJleHAiOjE4MDAwMDAwNjAsInN1YiI6ImFsaWNlIn0." +
		"Mtye6RvXA1rVxQ6ARMuHLmpfR6KwwSMpLpTbI36eclY"
	got, err := keysOf(t, []byte(strings.Repeat("k", 32))).verify(token, Place{"games", "notebook.42"}, now)
	if want := (Caller{Subject: "alice", Until: time.Unix(1_800_000_060, 0), Right: &Right{Verbs: []Verb{Use, Wake}}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}
