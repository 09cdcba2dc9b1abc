package key_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dormouse-dev/dormouse/internal/key"
)

// The rule in api/v1alpha1/session_types.go, as it stands there.
var (
	plain  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	coined = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?-)?[0-9a-v]{26}[.]x$`)
)

func TestName(t *testing.T) {
	for _, tt := range []struct{ name, key, want string }{
		{"a label is itself", "table-42", "chess.table-42"},
		{"a label of 63", strings.Repeat("a", 63), "chess." + strings.Repeat("a", 63)},
		{"one character", "7", "chess.7"},
		{"composite names (004-06)", "chat_room, room 1", "chess.chat-room-room-1-atolqqpa8o98paov3frad6g7qg.x"},
		{"upper case", "Table", "chess.table-"},
		{"leading dash", "-a", "chess.a-"},
		{"trailing dash", "a-", "chess.a-"},
		{"a dot", "a.x", "chess.a-x-"},
		{"nothing for a slug", "日本", "chess."},
		{"64 characters", strings.Repeat("a", 64), "chess." + strings.Repeat("a", 32) + "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := key.Name("chess", tt.key)
			if err != nil || !strings.HasPrefix(got, tt.want) {
				t.Errorf("Name(%q) = %q, %v; want %q", tt.key, got, err, tt.want)
			}
		})
	}
}

func TestNameRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, template, key string
		want                error
	}{
		{"empty", "chess", "", key.ErrEmpty},
		{"too long", "chess", strings.Repeat("é", 513), key.ErrTooLong},
		{"not UTF-8", "chess", "a\xff", key.ErrNotUTF8},
		{"a NUL", "chess", "a\x00", key.ErrNUL},
		{"template with a dot", "che.ss", "a", nil},
		{"no template", "", "a", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := key.Name(tt.template, tt.key)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("Name(%q, %q) = %q, %v; want error %v", tt.template, tt.key, got, err, tt.want)
			}
		})
	}
}

// 000-01, 001-09, 001-10, 001-14: any user string is a name, and no two of them are the same one, nor is one under two templates.
func TestTwoKeysNeverMeet(t *testing.T) {
	keys := rapid.OneOf(
		rapid.StringMatching(`[-a-zA-Z0-9._/ ]{1,70}`),
		rapid.StringN(1, 200, 1024).Filter(func(k string) bool { return key.Check(k) == nil }),
		rapid.StringMatching(`([a-z0-9-]{1,6}-)?[0-9a-v]{26}(\.x)?`),
	)
	templates := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		t1, t2 := templates.Draw(t, "t1"), templates.Draw(t, "t2")
		k1, k2 := keys.Draw(t, "k1"), keys.Draw(t, "k2")
		n1, err1 := key.Name(t1, k1)
		n2, err2 := key.Name(t2, k2)
		if err1 != nil || err2 != nil {
			t.Fatalf("Name: %v, %v", err1, err2)
		}
		if (n1 == n2) != (t1 == t2 && k1 == k2) {
			t.Fatalf("%q/%q is %q, and %q/%q is %q", t1, k1, n1, t2, k2, n2)
		}
	})
}

// Keys of which people recognize the same have names of their own (000-01, 001-09).
func TestKeysThatLookAlikeNeverMeet(t *testing.T) {
	owners := map[string]string{}
	for _, between := range []string{".", "_", " ", "/"} {
		for i := range 5000 {
			k := "Room" + strings.Repeat(between, 1+i%50) + "1" + strings.Repeat("!", i/50)
			name, err := key.Name("chess", k)
			if err != nil {
				t.Fatal(err)
			}
			if other, taken := owners[name]; taken {
				t.Fatalf("%q and %q are both %s", other, k, name)
			}
			owners[name] = k
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"a", "A", "a.b", "-", "\xff", "日", "0-0", "%2f", strings.Repeat("x", 1025)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, k string) {
		got, err := key.Name("t", k)
		if (err == nil) != (key.Check(k) == nil) {
			t.Fatalf("Name(%q): %v, Check: %v", k, err, key.Check(k))
		}
		if err != nil {
			return
		}
		again, err := key.Name("t", k)
		if err != nil || again != got {
			t.Fatalf("Name(%q) = %q, then %q, %v", k, got, again, err)
		}
		label := strings.TrimPrefix(got, "t.")
		if len(k) <= 63 && plain.MatchString(k) {
			if label != k {
				t.Fatalf("Name(%q) = %q", k, got)
			}
			return
		}
		if !coined.MatchString(label) {
			t.Fatalf("Name(%q) = %q, which the API server refuses", k, got)
		}
	})
}

// 000-01, 001-09: two keys never meet in one name, nor do two templates.
func FuzzTwoNames(f *testing.F) {
	f.Add("t", "a", "t", "a.x")
	f.Add("t", "A", "t", "a")
	f.Add("a", "b.c", "a.b", "c")
	f.Add("t", "room 1", "t", "room-1")
	f.Fuzz(func(t *testing.T, t1, k1, t2, k2 string) {
		n1, err1 := key.Name(t1, k1)
		n2, err2 := key.Name(t2, k2)
		if err1 == nil && err2 == nil && (n1 == n2) != (t1 == t2 && k1 == k2) {
			t.Fatalf("%q/%q is %q, and %q/%q is %q", t1, k1, n1, t2, k2, n2)
		}
	})
}

func TestPatternIsAnchored(t *testing.T) {
	for _, tt := range []struct {
		expr, key string
		want      bool
	}{
		{"[a-z]+", "abc", true},
		{"[a-z]+", "abc1", false},
		{"a|b", "ab", false},
		{"(?m)a$", "a\nb", false},
		{"a", "a\n", false},
	} {
		re, err := key.Pattern(tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := re.MatchString(tt.key); got != tt.want {
			t.Errorf("Pattern(%q) matches %q: %v", tt.expr, tt.key, got)
		}
	}
	for _, expr := range []string{"a)|(b", "[", `(?<`} {
		if _, err := key.Pattern(expr); err == nil {
			t.Errorf("Pattern(%q) compiled", expr)
		}
	}
}
