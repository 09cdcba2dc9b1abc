// Package conformance sends the probes of the conformance set to the gateway, by itself and behind nginx and haproxy, and has
// slowhttptest try to keep connections of it. What a proxy before the gateway does itself is listed, with why.
package conformance
