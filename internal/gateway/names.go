package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// Names says how a log names sessions. The name of a session holds its key, and a key may be what a person is called, or all
// that somebody has to know to get in.
type Names struct {
	Salt  string // of the hash; whoever knows it finds the hash of a key
	Plain bool   // the name itself, no hash
}

// Of is a session as the log has it: the first 8 hexadecimal digits of the SHA-256 of the salt, the namespace, a slash and
// the name. That is enough to see which lines are about one session, and no proof that they are.
func (n Names) Of(id directory.ID) string {
	if n.Plain {
		return id.Namespace + "/" + id.Name
	}
	text := make([]byte, 0, 256)
	text = append(text, n.Salt...)
	text = append(text, id.Namespace...)
	text = append(text, '/')
	text = append(text, id.Name...)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}

// In is a text about a session, such as an error of the API server, as the log has it.
func (n Names) In(text string, id directory.ID) string {
	if n.Plain {
		return text
	}
	return strings.ReplaceAll(text, id.Name, n.Of(id))
}
