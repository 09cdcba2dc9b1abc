package websocket

import (
	"io"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Asked says whether r asks for an upgrade to WebSocket, the only upgrade that there is here.
func Asked(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) &&
		httpguts.HeaderValuesContainsToken(r.Header["Connection"], "Upgrade") &&
		len(r.Header["Upgrade"]) == 1 && strings.EqualFold(r.Header["Upgrade"][0], "websocket")
}

// Joined says whether an answer that switches protocols switches to the one that was asked for.
func Joined(res *http.Response) bool {
	_, writable := res.Body.(io.ReadWriteCloser)
	return writable && res.StatusCode == http.StatusSwitchingProtocols && strings.EqualFold(res.Header.Get("Upgrade"), "websocket")
}
