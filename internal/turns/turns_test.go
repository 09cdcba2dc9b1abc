package turns_test

import (
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dormouse-dev/dormouse/internal/turns"
)

// Whoever waits for a turn that failed waits as long again as the API server was away, but not much longer than it takes to see
// that it is back.
func TestPausesAreBounded(t *testing.T) {
	p := turns.Pauses()
	for range 40 {
		if d := p.When(reconcile.Request{}); d > 5*time.Second {
			t.Fatalf("a pause of %v", d)
		}
	}
}
