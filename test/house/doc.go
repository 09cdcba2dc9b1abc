// Package house holds the rules of the house: what may import what, who may read a clock, what has a comment, how long a
// function may be, and which lists must agree. Each rule is a row with its reason; a failure prints the reason. Each
// check is a function over its inputs, and a test proves on a small bad example that it can fail.
//
// The tests read the tree of files of the repository, without what .gitignore names, and ask "go list" for dependencies.
package house
