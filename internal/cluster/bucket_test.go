package cluster

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Within any stretch of time there are no more than a minute's worth and what flowed in meanwhile, and whoever comes when he was told
// to is not sent away again (000-60).
func TestBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perMinute := rapid.Int32Range(1, 90).Draw(t, "per minute")
		var b bucket
		var taken []time.Time
		now := noon.Time
		for range rapid.IntRange(1, 100).Draw(t, "tries") {
			wait := b.take(perMinute, now)
			if wait == 0 {
				taken = append(taken, now)
			} else if rapid.Bool().Draw(t, "patient") {
				if now = now.Add(wait + time.Microsecond); b.take(perMinute, now) > 0 {
					t.Fatalf("told to come after %v, and sent away then", wait)
				}
				taken = append(taken, now)
			}
			for i, from := range taken {
				if most := float64(perMinute) * (1 + now.Sub(from).Minutes()); float64(len(taken)-i) > most+0.001 {
					t.Fatalf("%d within %v, %d a minute", len(taken)-i, now.Sub(from), perMinute)
				}
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond)
		}
	})
}
