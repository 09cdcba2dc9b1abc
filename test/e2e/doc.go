// Package e2e keeps the promises of Dormouse on a real cluster, end to end: one file for each promise, named after it.
//
//	make e2e                                                                 # all, four at a time
//	go test -timeout 75m -v ./test/e2e -ginkgo.v                             # all, one after the other
//	go test -timeout 30m -v ./test/e2e -ginkgo.v -ginkgo.focus 'cold start'  # one
//	go test -timeout 30m -v ./test/e2e -ginkgo.v -ginkgo.label-filter '!long'
//
// The suite starts the cluster of hack/cluster, installs Dormouse on it with hack/demo, and leaves both running. Where
// neither is possible it skips itself, and says so by the name of each promise.
//
// Tests run beside each other, in processes that each have a part of them, on the one cluster. A test has a namespace of its own (Given), and
// asserts nothing of any other. One that kills or stops a part of Dormouse or of the cluster, or measures what all share, is Serial: it
// runs when all others are over. What only some of them share, such as the questions that the Session API asks, is claimed (claim_test.go).
//
// What the clients call is test/e2e/workload; its state lies in a store that runs in the process of the test, which so can hold a
// save up, and can tell when a writer of an earlier epoch is still at it. Requests go to the gateways' pods directly, so
// that a test knows which gateway answered, or died.
//
// Environment:
//
//	E2E              skip: skip all of it, as loudly
//	E2E_INSTALL      skip: take what is installed
//	E2E_TRAFFIC      how long the clients of the traffic tests go on (default 2m)
//	E2E_OUTAGE       how long the operator stays away, and how long sleepers are watched for writes (default 60s)
//	CLUSTER          kind or local, as hack/cluster says
//
// An id in brackets, such as (000-03), is the requirement of docs/requirements.md that a test proves.
package e2e
