package directory

import "sync"

// addresses are the pods that are published now, by UID.
type addresses struct {
	mu   sync.RWMutex
	pods map[string]Pod
}

func (a *addresses) get(uid string) (Pod, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	p, ok := a.pods[uid]
	return p, ok
}

// change takes out the pod of the old view and puts in that of the new one.
func (a *addresses) change(old, now *View) {
	if old.State != Reachable && now.State != Reachable {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if old.State == Reachable {
		delete(a.pods, old.Pod.UID)
	}
	if now.State != Reachable {
		return
	}
	if a.pods == nil {
		a.pods = map[string]Pod{}
	}
	a.pods[now.Pod.UID] = now.Pod
}
