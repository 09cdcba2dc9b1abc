// Package client speaks to the Session API of a gateway: it looks sessions up without waking them, makes, wakes, watches and ends them,
// and has a pod speak of its own session. Its types are the contract of that API; the gateway answers with them.
//
// It needs the standard library only.
package client
