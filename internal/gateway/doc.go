// Package gateway is the road of a request to its session's pod: resolve, admit, wake, forward.
//
// The road is one straight line, in road.go: each step is a call with a result. What hands nothing on (log, metrics, panic
// guard, pace) is a middleware around it, and the chain is assembled in Gateway.Handler. The package knows nothing of
// Kubernetes: what is reachable, and how a session is woken, is asked of Sessions.
//
// What stands alone is in packages below: front (connections), resolve (routes), admission (who may), answer (what the gateway says itself),
// websocket, grpc and rawtcp. None of them imports this one.
//
// A request is answered by a pod of its key, or by the gateway with a Reason. It is sent a second time only if not one byte
// of it was written to a pod.
package gateway
