// Package mutants puts one fault at a time into the code, and wants a test to fail: a fault that no test sees is a promise
// that nobody keeps.
//
// A mutant is a row of a table: what it breaks, one place in one file, and the test that must fail. The code itself knows nothing of
// mutants: what has faults is laid over it with go test -overlay, all of them at once, and the environment of a killer says which one is in force. That each row still fits the code is tested always; the faults are put in
// when MUTANTS is set, as make mutants does.
package mutants
