package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// tokenPrefix begins each capability token. It names the version of the format.
const tokenPrefix = "dm1."

// minKey is the least length of a key, in bytes: that of what it signs.
const minKey = sha256.Size

// maxToken bounds a token, in bytes: it has to fit in a cookie.
const maxToken = 2048

// Capability is what a token of ours allows whoever has it.
type Capability struct {
	Namespace  string `json:"ns"`
	Session    string `json:"ses"`           // name of the Session
	SessionUID string `json:"uid,omitempty"` // empty: whichever has the name
	Verbs      []Verb `json:"can"`
	Expires    int64  `json:"exp"`           // seconds since 1970
	Subject    string `json:"sub,omitempty"` // who is called; it owns what it creates
	Tenant     string `json:"ten,omitempty"` // on whose account it creates
}

// Keys sign capability tokens. They may be replaced while they are used.
type Keys struct {
	keys atomic.Pointer[[][]byte]
}

// Set replaces the keys: the first signs, and all verify.
func (k *Keys) Set(keys [][]byte) error {
	for i, key := range keys {
		if len(key) < minKey {
			return fmt.Errorf("key %d of capability tokens has %d bytes: at least %d are needed", i, len(key), minKey)
		}
	}
	k.keys.Store(&keys)
	return nil
}

func (k *Keys) all() [][]byte {
	if k == nil || k.keys.Load() == nil {
		return nil
	}
	return *k.keys.Load()
}

// Sign makes a token.
func (k *Keys) Sign(c Capability) (string, error) {
	keys := k.all()
	if len(keys) == 0 {
		return "", fmt.Errorf("sign capability: there is no key")
	}
	claims, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("sign capability: %w", err)
	}
	body := tokenPrefix + base64.RawURLEncoding.EncodeToString(claims)
	token := body + "." + base64.RawURLEncoding.EncodeToString(seal(keys[0], body))
	if len(token) > maxToken {
		return "", fmt.Errorf("sign capability: %d bytes are too many, for a cookie", len(token))
	}
	return token, nil
}

// verify says what a token allows at a session.
func (k *Keys) verify(token string, at Place, now time.Time) (Caller, error) {
	c, ok := k.open(token)
	if !ok {
		return Caller{}, invalid("the token is signed with no key of this gateway")
	}
	if !now.Before(time.Unix(c.Expires, 0)) {
		return Caller{}, invalid("the token has expired")
	}
	if c.Namespace != at.Namespace || c.Session != at.Name {
		return Caller{}, invalid("the token is for another session")
	}
	return Caller{Subject: c.Subject, Tenant: c.Tenant, Until: time.Unix(c.Expires, 0), Right: &Right{Verbs: c.Verbs, SessionUID: c.SessionUID}}, nil
}

// open reads a token if one of the keys has signed it. Nothing of it is read before.
func (k *Keys) open(token string) (c Capability, ok bool) {
	dot := strings.LastIndexByte(token, '.')
	if len(token) > maxToken || dot < len(tokenPrefix) {
		return c, false
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(token[dot+1:])
	if err != nil || !k.sealed(token[:dot], sum) {
		return c, false
	}
	claims, err := base64.RawURLEncoding.Strict().DecodeString(token[len(tokenPrefix):dot])
	return c, err == nil && json.Unmarshal(claims, &c) == nil
}

func (k *Keys) sealed(body string, sum []byte) bool {
	for _, key := range k.all() {
		if hmac.Equal(seal(key, body), sum) {
			return true
		}
	}
	return false
}

func seal(key []byte, body string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(body))
	return m.Sum(nil)
}
