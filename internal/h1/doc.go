// Package h1 speaks HTTP/1.1 at both ends of a proxy, with as little between the sockets as can be: a Server whose connection is
// one goroutine, which reads a request, calls an http.Handler and writes the answer; and a Conn, over which whoever has a request
// sends it and reads its answer in its own goroutine. It knows nothing of what is served.
//
// It reads less than net/http does, and nothing that net/http would refuse. Who sends what could be read in two ways is refused;
// what is only unusual (HTTP/2, HTTP/1.0, CONNECT) is handed to a net/http server, with the connection and all that came on it.
package h1
