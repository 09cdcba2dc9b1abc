package template

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// past is what is remembered of a template and stands in no object. If it is lost, all is looked at again.
type past struct {
	uid     types.UID
	judged  time.Time
	final   bool
	counted time.Time
	news    time.Time // when something may have happened first to a session that is not counted; zero: nothing has
}

func (p past) with(seen observation, now time.Time) past {
	if seen.verdict != nil {
		p.judged, p.final = now, seen.verdict.final
	}
	if p.news.IsZero() {
		p.news = now
	}
	if seen.counts != nil {
		p.counted, p.news = now, time.Time{}
	}
	return p
}

// memory holds the past of each template. The zero value is empty.
type memory struct {
	mu    sync.Mutex
	pasts map[types.NamespacedName]past
}

// of returns the past of a template, which is empty for one that was deleted and made again.
func (m *memory) of(t *v1alpha1.SessionTemplate) past {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.pasts[client.ObjectKeyFromObject(t)]
	if p.uid != t.UID {
		return past{uid: t.UID}
	}
	return p
}

func (m *memory) keep(t *v1alpha1.SessionTemplate, p past) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pasts == nil {
		m.pasts = map[types.NamespacedName]past{}
	}
	m.pasts[client.ObjectKeyFromObject(t)] = p
}

func (m *memory) forget(name types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pasts, name)
}
