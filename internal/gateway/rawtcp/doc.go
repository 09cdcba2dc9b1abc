// Package rawtcp takes raw connections: TLS that is passed through as it is. It reads a ClientHello and nothing of what follows, refuses by an
// alert, and carries bytes both ways. Whose pod they are for is not its to know.
package rawtcp
