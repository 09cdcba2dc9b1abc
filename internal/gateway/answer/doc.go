// Package answer is what the gateway says itself: a Reason for each thing that can be the matter, and the Problem that carries it, as a problem
// document, as a status of gRPC, or in the words of a page. What it is for a client who asks for what, the whole choice, is in negotiate.go.
package answer
