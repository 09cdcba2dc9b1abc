package gateway

import (
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway/websocket"
)

// partTime is how long a connection that hibernates may take to let its pod go: to come to the end of a message, and to hear the pod's
// answer to the goodbye. The session does not fall asleep before. A connection that takes longer is closed.
const partTime = 10 * time.Second

// part lets a pod go that is about to end, and says whether the client's connection goes on without it. No message is cut, and none is
// lost: what the client says waits from the end of its message on, and the pod says goodbye behind the last that it says.
func (t *tunnel) part(pod *podEnd) bool {
	if t.dormancy == nil || pod.visit.Gone() {
		return false
	}
	late := time.AfterFunc(partTime+farewell, func() { t.cut(pod) }) // an end that takes nothing has the lock of its side
	defer late.Stop()
	limit := time.NewTimer(partTime)
	defer limit.Stop()
	if pod.visit.Over() { // a node that is lost does not close its connections
		_ = pod.Close()
		t.awaits(pod, nil, limit.C)
		return t.lost(pod)
	}
	pod.Hold()
	for !pod.Whole() || !t.front.Whole() {
		if over := t.awaits(pod, pod.news, limit.C); over {
			return t.lost(pod)
		}
	}
	if pod.Closing() || t.front.Closing() { // they part by themselves
		return false
	}
	t.front.DiscardClose()
	_ = pod.End(websocket.CloseGoingAway)
	t.awaits(pod, nil, limit.C)
	return t.lost(pod)
}

// awaits waits for news, and says whether it is over with the pod or with the time.
func (t *tunnel) awaits(pod *podEnd, news <-chan struct{}, limit <-chan time.Time) bool {
	select {
	case <-news:
		return false
	case <-pod.ended:
	case <-t.gone:
	case <-t.upgrades.closing():
	case <-t.expired:
	case <-limit:
	}
	return true
}

// lost says whether the client's connection goes on after its pod has ended: it has, no message was cut, and nobody has said goodbye.
func (t *tunnel) lost(pod *podEnd) bool {
	select {
	case <-pod.ended:
	default:
		return false
	}
	if t.dormancy == nil || pod.visit.Gone() {
		return false
	}
	dead := ""
	if !pod.Closing() { // it has not ended because it was told to
		dead = pod.visit.Pod().UID
	}
	t.dormancy.shun(dead)
	_ = pod.Close() // so that nobody is in the midst of a write
	pod.Hold()
	return pod.Whole() && t.front.Whole() && !t.front.Closing() && !pod.SaidGoodbye()
}
