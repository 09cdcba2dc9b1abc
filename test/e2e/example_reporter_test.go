package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
)

var _ = It("plays the reporter and the cron manager: whatever dies, somebody is told", func(ctx SpecContext) {
	tells(ctx, "05-reporter-and-cron", "reporter", []string{
		"A call has work done and returns at once. How the work ended is reported to its user. (001-01, 003-17)",
		"Work that dies by kill -9 is reported all the same. (003-04, 003-17)",
		"So is work that fails with a word, and work that takes more memory than it may. (003-04, 003-13, 003-17)",
		"The memory that the big job took is free when it has ended: its pod is gone, and how it ended is still known. (003-06)",
		"A conversation that is stuck holds up no other, nor is it in the way of who else speaks in it. (003-03)",
		"A job has its times, and no process until one of them comes. (003-05)",
		"Its time comes: a manager wakes, has the work done, and sleeps. The work dies by kill -9; the manager has not noticed. (003-01, 003-05, 003-15)",
		"At the next time the work is done again, by the next process. (003-05)",
		"When all is done, no process is left but the mailboxes. (003-06)",
	})
}, SpecTimeout(5*time.Minute))
