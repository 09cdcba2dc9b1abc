// Package resolve finds the session that a request is for, by the routes of all templates. It is a function of the templates and the request: it
// asks nobody, and a request that could be read in two ways is for no session.
package resolve
