// Package certs keeps the certificates of a directory, as they are mounted from Secrets, and gives each TLS handshake the one for
// the name that it asks for. It knows nothing of Kubernetes.
package certs
