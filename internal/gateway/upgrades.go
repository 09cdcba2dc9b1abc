package gateway

import "sync"

// upgrades are the open tunnels of a gateway.
type upgrades struct {
	metrics *Metrics

	mu    sync.Mutex
	n     int
	gone  chan struct{} // closed when all must end
	empty chan struct{} // closed when all have ended
}

func (u *upgrades) join() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n++
	u.metrics.upgraded.Inc()
}

func (u *upgrades) leave() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n--
	u.metrics.upgraded.Dec()
	u.tell()
}

// closing is closed when every tunnel must end.
func (u *upgrades) closing() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.prepare()
	return u.gone
}

// drain ends all tunnels, also those that are still to come. What it gives is closed when none is open for the first time.
func (u *upgrades) drain() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.prepare()
	if u.empty == nil {
		u.empty = make(chan struct{})
		close(u.gone)
		u.tell()
	}
	return u.empty
}

// tell closes empty once.
func (u *upgrades) tell() {
	if u.empty == nil || u.n > 0 {
		return
	}
	select {
	case <-u.empty:
	default:
		close(u.empty)
	}
}

func (u *upgrades) prepare() {
	if u.gone == nil {
		u.gone = make(chan struct{})
	}
}
