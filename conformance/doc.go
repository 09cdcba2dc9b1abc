// Package conformance is what a gateway must do with what clients send, as a table: each Probe is a few bytes, what must come of
// them, and what for. Most of them are what common proxies let through.
//
// A Target is a session, as clients reach it. Some probes look at what its workload saw; for them the workload must be Echo, or
// do as it does. The others need a gateway, and nothing behind it.
package conformance
