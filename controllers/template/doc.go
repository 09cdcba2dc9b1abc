// Package template tells whoever wrote a SessionTemplate whether sessions of it can be woken, before the first request
// does, and how many of them there are. Each reconcile plans what to look at again, observes it, reports it in values and
// saves the report.
package template
