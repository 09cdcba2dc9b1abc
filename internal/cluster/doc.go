// Package cluster is the gateway's hands: it brings what the API server says of Sessions into the directory, writes that
// a session is needed, and says in a Lease how far it has seen.
//
// What must hold (the sleep protocol, docs/design): the Lease is made before the first list; a version is vouched for
// only when nothing is in flight at what it unpublished, or the touch that takes the sleep back is in.
package cluster
