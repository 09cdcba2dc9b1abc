package rules

import (
	"strconv"
	"strings"
)

// inARow is a game in which who has so many in a row has won. A move is the number of a square, or of a column where pieces fall.
type inARow struct {
	width, height, row int
	falls              bool
	squares            string // row by row from below: free, x or o
}

const free = '.'

func empty(g inARow) inARow {
	g.squares = strings.Repeat(string(free), g.width*g.height)
	return g
}

func (g inARow) Moves() (all []string) {
	if g.Won() {
		return nil
	}
	choices := len(g.squares)
	if g.falls {
		choices = g.width
	}
	for i := range choices {
		if g.square(i) >= 0 {
			all = append(all, strconv.Itoa(i+1))
		}
	}
	return all
}

// square is where a piece that is put there comes to lie; below 0: nowhere.
func (g inARow) square(at int) int {
	for ; at < len(g.squares); at += g.width {
		if g.squares[at] == free {
			return at
		}
		if !g.falls {
			break
		}
	}
	return -1
}

func (g inARow) After(move string) Position {
	n, _ := strconv.Atoi(move) // it is one of Moves
	at := g.square(n - 1)
	g.squares = g.squares[:at] + g.next() + g.squares[at+1:]
	return g
}

// next is the piece of who is to move.
func (g inARow) next() string {
	if strings.Count(g.squares, "x") > strings.Count(g.squares, "o") {
		return "o"
	}
	return "x"
}

func (g inARow) Won() bool {
	last := byte('x')
	if g.next() == "x" {
		last = 'o'
	}
	for at := range len(g.squares) {
		for _, d := range [][2]int{{1, 0}, {0, 1}, {1, 1}, {-1, 1}} {
			if g.runs(at%g.width, at/g.width, d, last) {
				return true
			}
		}
	}
	return false
}

// runs says whether a row of pieces begins there, in that direction.
func (g inARow) runs(x, y int, d [2]int, piece byte) bool {
	for i := range g.row {
		x, y := x+i*d[0], y+i*d[1]
		if x < 0 || x >= g.width || y >= g.height || g.squares[y*g.width+x] != piece {
			return false
		}
	}
	return true
}

func (g inARow) String() string {
	var lines []string
	for at := len(g.squares) - g.width; at >= 0; at -= g.width {
		lines = append(lines, g.squares[at:at+g.width])
	}
	return strings.Join(lines, "/")
}
