// Package a is an example. 101-04 is named where no test is.
package a

import "testing"

// 100-01: a comment
// of two lines.
func TestComment(t *testing.T) {
	// 101-04 is named in a body.

	t.Run("part (100-01, 100-03)", func(t *testing.T) {})
	t.Error("101-04 is in a message")
}

// 100-01
func FuzzComment(f *testing.F) {}

// 101-04: no test.
func helper() {}

// 101-04: somebody's method.
func (world) TestMethod() {}

var laws = []struct{ name string }{{"a law | of <cats> (100-03)"}}

var _ = Describe("A cat", func() {
	// 100-02
	It("purrs (100-02, 101-02)", func() {
		Expect(cat).To(purr, "101-04")
	})
	for _, when := range nights {
		It("sleeps "+when+" too (100-02)", func() {})
	}
	It(when, func() {})
	DescribeTable("eats", eats,
		Entry("fish (100-03)", fish),
		Entry(nil, "101-04"),
	)
})

func TestCases(t *testing.T) {
	for name := range map[string]int{"by name (100-03)": 1, "twice (100-03)": 2} {
		t.Run(name, func(t *testing.T) {})
	}
	_ = []int{199 - 13}
	_ = "2100-01-02, 1100-01 and 100-011 are no ids, 199-04 is an unknown one"
}
