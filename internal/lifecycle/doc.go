// Package lifecycle is the decision: what is observed of one session goes in, the one thing to do next comes out.
//
// Next is a pure function over an ordered list of rules; the first that applies answers. It reads no clock, keeps no
// memory and knows nothing of Kubernetes, so that all of it can be tested: the laws over every combination of what can be
// observed, the table in testdata/next.golden, and Play, which carries a scenario to its end.
package lifecycle
