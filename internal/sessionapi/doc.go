// Package sessionapi is the Session API: what a program asks of a gateway about sessions, beside sending them requests. It looks them up
// without waking them, makes them (one, or a batch), wakes, watches and ends them, and has a pod speak of its own session.
//
// It is the HTTP side alone. What is known of sessions is asked of Sessions, which pod calls of Pods, and who may do what of Authorize.
// The types on the wire are those of the package client, which is the contract; openapi.json describes them.
package sessionapi
