// Package access says who calls, and what a caller may do to a session. It knows nothing of Kubernetes.
package access
