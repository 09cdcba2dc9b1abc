// Package model checks two models with Spin: the sleep protocol (sleep.pml), and the life of a key's pods (wake.pml, with an operator's
// turn in turn.pml). Each holds over every state within a bound, and each of its rules is needed, because the model with that one rule
// left out breaks one of its claims. docs/proof.md says which promise rests on which rule.
//
// It needs spin and gcc (Debian: apt-get install spin gcc) and is skipped without them, unless MODEL is set. MODEL=full
// takes the larger bounds; it needs about 1.3 GB of memory and -timeout of more than a few minutes on a busy machine.
package model
