// Package session is the hands of the operator: it observes a session, asks package lifecycle what to do, reports it in the
// Session's status, and does it. It takes no decision of its own.
package session
