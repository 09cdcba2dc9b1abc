// Package model checks the sleep protocol (sleep.pml) with Spin: the protocol holds over every state within a bound, and
// each of its rules is needed, because the model with that one rule left out loses a request or a state.
//
// It needs spin and gcc (Debian: apt-get install spin gcc) and is skipped without them, unless MODEL is set. MODEL=full
// takes the larger bound; it needs about 1.1 GB of memory and -timeout of more than a few minutes on a busy machine.
package model
