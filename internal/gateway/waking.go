package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// phase is a part of a wake. They follow each other; one that there was no need for is left out.
type phase int

const (
	phaseTouch     phase = iota // until the API server has it that the session is needed
	phasePod                    // until a pod is published
	phaseDial                   // until that takes a connection
	phaseFirstByte              // until it begins an answer
	phases
)

var phaseNames = [phases]string{"touch", "pod", "dial", "first_byte"}

// part is when a phase was.
type part struct{ from, to time.Time }

// wakes are the sessions that wake, as far as anybody waits for them here.
type wakes struct {
	now     func() time.Time
	metrics *Metrics
	tracer  trace.Tracer // nil: nobody wants spans
	names   Names

	mu   sync.Mutex
	byID map[directory.ID]*waking
}

// waking is one wake of one session: from the first request that waits for it to the first byte that a pod answers, or until
// nobody waits any more. All who wait share it. The lock of the wakes guards it.
type waking struct {
	of     *wakes
	target *resolve.Target
	began  time.Time
	at     time.Time // when the last phase ended
	next   phase     // the first that has not ended
	parts  [phases]part
	inside int // requests that have a part in it
	joined int // so far
	over   bool
	span   trace.Span // of the first request that is traced, and of all after it; nil: none is
}

// join gives a request its part in the wake of its session. It must leave it.
func (ws *wakes) join(t *resolve.Target, request trace.Span) *waking {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	k := ws.byID[t.ID]
	if k == nil {
		now := ws.now()
		k = &waking{of: ws, target: t, began: now, at: now}
		if ws.byID == nil {
			ws.byID = map[directory.ID]*waking{}
		}
		ws.byID[t.ID] = k
	}
	k.inside++
	k.joined++
	k.trace(request)
	return k
}

// touched says that the API server has it that the session is needed.
func (ws *wakes) touched(id directory.ID) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if k := ws.byID[id]; k != nil {
		k.end(phaseTouch)
	}
}

// reached says that a phase has ended. Only the first who says so counts. Nil is a request that did not wait.
func (k *waking) reached(p phase) {
	if k == nil {
		return
	}
	k.of.mu.Lock()
	defer k.of.mu.Unlock()
	k.end(p)
}

// leave ends a request's part in the wake. If nobody else has one, what became of the request is what became of the wake.
func (k *waking) leave(err error) {
	if k == nil {
		return
	}
	k.of.mu.Lock()
	defer k.of.mu.Unlock()
	k.inside--
	if err == nil {
		k.end(phaseFirstByte)
	}
	if k.inside == 0 && !k.over {
		what := outcome(err)
		if errors.Is(err, errUnwritten) {
			what = string(answer.ReasonPodUnreachable)
		}
		k.of.metrics.phases.WithLabelValues(phaseNames[k.next], what).Observe(k.of.now().Sub(k.at).Seconds())
		k.finish(what)
	}
}

func (k *waking) end(p phase) {
	if k.over || p < k.next {
		return
	}
	now := k.of.now()
	k.of.metrics.phases.WithLabelValues(phaseNames[p], "Done").Observe(now.Sub(k.at).Seconds())
	k.parts[p] = part{k.at, now}
	k.at, k.next = now, p+1
	if k.next == phases {
		k.finish("Awake")
	}
}

func (k *waking) finish(outcome string) {
	k.over = true
	delete(k.of.byID, k.target.ID)
	k.traceEnd(context.Background(), outcome)
}
