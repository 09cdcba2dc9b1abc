package rules

import "fmt"

// nim is three heaps. Who moves takes as many as they like of one of them; who takes the last has won. "b2" is two of the second heap.
type nim [3]int

func (n nim) Moves() (all []string) {
	for heap, size := range n {
		for take := range size {
			all = append(all, fmt.Sprintf("%c%d", 'a'+heap, take+1))
		}
	}
	return all
}

func (n nim) After(move string) Position {
	n[move[0]-'a'] -= int(move[1] - '0')
	return n
}

func (n nim) Won() bool { return n == nim{} }

func (n nim) String() string { return fmt.Sprintf("%d %d %d", n[0], n[1], n[2]) }
