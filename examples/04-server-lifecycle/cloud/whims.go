package main

import (
	"strings"
	"time"
)

// whim is what goes wrong with a server.
type whim struct {
	quota   bool          // there is no room for a large machine
	mute    bool          // its machine is made, and the first who asks for it is never answered
	lost    bool          // the first who asks for its machine is never answered, and it is not made
	spreads time.Duration // how long it takes until all name servers know its record
}

// whims by the first word of a server's name, such as mute-web-1. All other names have none.
var whims = map[string]whim{
	"quota": {quota: true},
	"mute":  {mute: true},
	"lost":  {lost: true},
	"slow":  {spreads: 10 * time.Second},
}

func whimOf(server string) whim {
	word, _, _ := strings.Cut(server, "-")
	return whims[word]
}
