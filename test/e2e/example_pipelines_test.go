package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
)

var _ = It("plays the pipelines: batches of users who share, by their plans, and no queue that runs", Serial, func(ctx SpecContext) {
	tells(ctx, "02-pipelines", "pipelines", []string{
		"While nobody has work, nothing runs: no queue, and no worker. (000-49)",
		"One request has 100 pipelines run for Ann. When it is answered all are stored, whether they have begun or not. (000-41, 000-42, 001-01)",
		"Ten of them run at a time, as her plan says. (000-43, 000-44, 000-48, 000-50)",
		"A worker hangs and dies by kill -9, alone: the others go on, and the next worker runs its pipeline. (003-01, 003-15)",
		"The same batch again makes nothing twice. Another one of hers joins the first: ten at a time, all together. (000-45)",
		"The plan changes while they run: a larger one holds at once, and a smaller one stops nobody. (000-43, 000-50)",
		"All come to their end, each once; a pipeline that no worker can run has failed alone. Then nothing runs any more. (000-47, 000-49)",
		"Results and logs are there when the pods are gone, also what the killed worker had. (001-18)",
		"A batch that is sent just when the last pipeline ends is run too. (000-46)",
		"The free plan has four places for all. Cleo has 1,000 pipelines, Dan comes later with three, and is done while hundreds of hers wait. (000-43, 000-60, 000-65)",
		"Cleo cancels: what waits never runs, and what runs is ended. Nothing is left of anybody.",
	})
}, SpecTimeout(12*time.Minute))
