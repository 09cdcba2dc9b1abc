// Package v1alpha1 is the contract of Dormouse: what people write, what the operator and the gateways tell each other
// through the API server, and every name that more than one of them must spell alike.
//
// +kubebuilder:object:generate=true
// +groupName=sessions.dormouse.dev
package v1alpha1
