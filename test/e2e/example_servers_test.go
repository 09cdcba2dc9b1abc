package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
)

// The story kills the operator by its pods, so no container of Dormouse is started again; but others would wait for one.
var _ = It("plays the server lifecycle: every failure has its own way on, and the operator may be killed at any step", Serial, func(ctx SpecContext) {
	tells(ctx, "04-server-lifecycle", "servers", []string{
		"An order makes a server: its machine and its DNS record side by side, and when both are there, its configuration. (002-01, 002-03, 002-13, 002-18)",
		"An order that nobody can fill fails at once, and nothing is made for it. (002-15)",
		"The quota has no room for a large machine: a small one is made in its place. (002-04, 002-05)",
		"The cloud does not answer in time: somebody looks whether the machine was made after all, and makes it only if it was not. (002-04, 002-06)",
		"kill -9 in the midst of a call: the next process asks again, and there is one machine. (002-05, 002-08, 002-12)",
		"The configuration takes more memory than it may: it is done by a process that may take more. (002-02, 002-04, 002-12)",
		"While a DNS record spreads, its server waits, and no process does. (002-25)",
		"Every change of state is on record: who followed whom and when, and how each process ended. (002-06, 002-21)",
		"The operator is killed as soon as a server is ordered, and again when its machine and record are begun: the next one goes on. (002-11, 002-20)",
		"It is killed while the record is awaited, and while the server is configured: the server is made all the same, and once. (002-20, 002-25)",
		"A server is destroyed by steps too, and the operator is killed in their midst: machine and record side by side, then all traces. (002-19, 002-20)",
		"Its name is free: who orders it again gets another server.",
		"When all are destroyed, nothing is left of any: no Session, no process, no machine, no record. (002-19)",
	})
	cl.scaleOperator(ctx, 2) // both are back
}, SpecTimeout(8*time.Minute))
