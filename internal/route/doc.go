// Package route says which template has a route that more than one of them asks for. It is a function of values that gateway
// and operator share: the gateway goes by the order, and the operator tells whoever wrote the other template.
package route
