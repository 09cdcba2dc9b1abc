// Package swarm plays many sessions against real operators, gateways, kube-apiserver and etcd, all processes of its own, while they
// are killed and their answers are lost, and judges every answer that a client got. It runs on Linux and sends nothing outside
// loopback.
//
// Where nothing is killed it measures: what a key costs that sleeps or is awake (TestCosts), and what is left of keys that come once and never
// again (TestPassing).
//
// The kubelet is one of its own: it gives each pod an address in 127/8, of those that were given back the last one first, so
// that it is another session's before anybody can have forgotten it, and answers there with who it is, before any request too: so even
// after a crash none may reach a pod that it is not for. It ends what it is told to
// end, late and unwillingly at times, or crashes; it tells the truth about it, and it knows when two pods of one key run at once.
//
//	make swarm                    about a minute and a half, some hundred sessions
//	SOAK=20m make swarm           thousands of sessions
//	make million                  a million keys pass through, and nothing is left of them
//	SEED=7 make swarm             the faults and requests of that seed again, as far as time lets them be the same
package swarm
