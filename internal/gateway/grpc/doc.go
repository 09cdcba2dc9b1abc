// Package grpc knows of gRPC what it takes to answer in the place of a server: which requests are of it, how long their clients wait, and how
// a refusal looks to them.
package grpc
