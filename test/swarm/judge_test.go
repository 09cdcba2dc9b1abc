//go:build linux

package swarm

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// history is what was asked and answered, by key.
type history struct {
	mu  sync.Mutex
	ops map[string][]op
}

func (h *history) add(o op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ops == nil {
		h.ops = map[string][]op{}
	}
	h.ops[o.key] = append(h.ops[o.key], o)
}

// counter is what a key is: a number that each POST adds one to. Of one whose answer is not known the number may be anything; it
// may count at any time from its call on, also after everything else, which is as good as never.
var counter = porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(state, input, output any) (bool, any) {
		next := state.(int64) + input.(int64)
		count, sure := output.(int64)
		return !sure || count == next, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("+%v -> %v", input, output) },
}

// judge finds what is wrong with the history of one key.
func judge(key string, ops []op) []string {
	found := orders(key, ops)
	var all []porcupine.Operation
	for _, o := range ops {
		switch {
		case o.sure:
			all = append(all, porcupine.Operation{Input: o.add, Call: o.call, Output: o.answer.Count, Return: o.ret})
		case o.add > 0:
			all = append(all, porcupine.Operation{Input: o.add, Call: o.call, Return: math.MaxInt64})
		}
	}
	if result := porcupine.CheckOperationsTimeout(counter, all, 20*time.Second); result != porcupine.Ok {
		text := fmt.Sprintf("%s is no counter (%v):", key, result)
		for _, o := range ops {
			text += fmt.Sprintf("\n\t%8.3f to %8.3f s: +%d -> %d, %v, sure: %v", seconds(o.call), seconds(o.ret), o.add, o.answer.Count, o.answer.identity, o.sure)
		}
		found = append(found, text)
	}
	return found
}

// orders finds answers of a pod that had been followed by another before the request was made, and two pods of one fence.
func orders(key string, ops []op) (found []string) {
	pods := map[int64]string{}
	answered := slices.DeleteFunc(slices.Clone(ops), func(o op) bool { return !o.sure || o.answer.UID == "" })
	slices.SortFunc(answered, func(a, b op) int { return int(a.ret - b.ret) })
	for i, o := range answered {
		if uid := pods[o.answer.Fence]; uid != "" && uid != o.answer.UID {
			found = append(found, fmt.Sprintf("%s: %v has answered, and pod %s with the same fence", key, o.answer.identity, uid))
		}
		pods[o.answer.Fence] = o.answer.UID
		for _, before := range answered[:i] {
			if before.ret < o.call && before.answer.Fence > o.answer.Fence {
				found = append(found, fmt.Sprintf("%s: %v has answered after %v", key, o.answer.identity, before.answer.identity))
			}
		}
	}
	return found
}

func seconds(ns int64) float64 { return time.Duration(ns).Seconds() }

// What the run concludes is worth what the judge sees.
func TestJudge(t *testing.T) {
	at := func(call, ret, add, count, fence int64) op {
		return op{key: "k", add: add, call: call, ret: ret, sure: true, answer: answer{identity: identity{UID: fmt.Sprint(fence), Fence: fence}, Count: count}}
	}
	lost := func(call, ret int64) op { return op{key: "k", add: 1, call: call, ret: ret} }
	twin := at(3, 4, 0, 1, 1)
	twin.answer.UID = "another"
	for name, c := range map[string]struct {
		ops  []op
		good bool
	}{
		"in order":                      {[]op{at(1, 2, 1, 1, 1), at(3, 4, 1, 2, 2), at(5, 6, 0, 2, 2)}, true},
		"at once":                       {[]op{at(1, 5, 1, 2, 1), at(1, 5, 1, 1, 1)}, true},
		"one lost that has counted":     {[]op{lost(1, 2), at(3, 4, 0, 1, 1)}, true},
		"one lost that has not counted": {[]op{lost(1, 2), at(3, 4, 0, 0, 1)}, true},
		"one lost that counts late":     {[]op{lost(1, 2), at(3, 4, 0, 0, 1), at(5, 6, 0, 1, 1)}, true},
		"forgotten":                     {[]op{at(1, 2, 1, 1, 1), at(3, 4, 0, 0, 2)}, false},
		"counted twice":                 {[]op{at(1, 2, 1, 1, 1), at(3, 4, 0, 2, 1)}, false},
		"one lost that counts twice":    {[]op{lost(1, 2), at(3, 4, 0, 2, 1)}, false},
		"the same count for two":        {[]op{at(1, 5, 1, 1, 1), at(1, 5, 1, 1, 1)}, false},
		"an earlier pod":                {[]op{at(1, 2, 1, 1, 2), at(3, 4, 1, 2, 1)}, false},
		"two pods of one fence":         {[]op{at(1, 2, 1, 1, 1), twin}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if found := judge("k", c.ops); (len(found) == 0) != c.good {
				t.Errorf("found %q", found)
			}
		})
	}
}
