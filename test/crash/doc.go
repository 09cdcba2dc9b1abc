// Package crash kills the operator and the gateway at every call that they make to the API server, and shows them worlds that are old.
//
// A world is an API server, two nodes with a kubelet, two gateways, the garbage collector, people, and operators. All of them move one
// move at a time, in a bubble of testing/synctest, so that hours pass in milliseconds and each story is told again exactly. At each
// write of an operator the laws of the design are looked at, and in the end whether anything is left over or waits for ever.
//
//   - TestCrashAtEveryCall: each story ends as it does undisturbed, whatever becomes of any one call; TestSeveralFaults, of a few.
//   - TestGatewayCrashAtEveryCall: the same with faults of the gateway's calls. The gateways are real ones then (internal/cluster), with a
//     watch, a Lease and requests of their own; the world takes its turns while they wait.
//   - TestStale: caches lag, each kind by itself, they skip and list anew; a former leader goes on beside the new one; gateways lag too.
//     With SOAK=1h, schedules are drawn until the time is over.
//   - TestRealServer: the stories, and a sample of the cases, against a real API server, where they make the same writes and end the same.
//   - TestLawsCanFail, TestStaleCanFail, TestGatewayLawsCanFail: operators and gateways that leave out a rule are found.
//
// The operator is controllers/session with its own memory, sight, slots and save hooks; of controller-runtime it has the client's
// interceptor, and a queue and the wiring of events as in its SetupWithManager. The API server is a store of our own, for controller-runtime's
// fake client takes 4 ms for a patch and 6 ms to be made, which is hours for all cases, and leaves out what matters here: UIDs, the
// grace of a pod, the UID precondition of a delete, a pod that stays for its kubelet when its last finalizer goes, resize and binding, and a
// clock of the test's. Patches are merged by the same libraries as in an API server. What it does not know are CEL rules and admission.
//
// Where the operator is killed, the gateways keep the protocol as internal/cluster does, and never fail. Not here: the writes of the
// operator's other controllers.
package crash
