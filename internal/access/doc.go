// Package access says who calls, and what a caller may do to a session. It knows nothing of Kubernetes.
//
// Decide is the policy, a function of values. The rest checks credentials: JSON Web Tokens of others, and tokens of our own.
package access
