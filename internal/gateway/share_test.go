package gateway

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// h2cPods is connections to one pod that speaks HTTP/2, without sockets.
func h2cPods() *pods {
	return &pods{
		now:     time.Now,
		idleFor: time.Second,
		metrics: NewMetrics(prometheus.NewRegistry()),
		address: func(uid string) (directory.Pod, bool) {
			return directory.Pod{UID: uid, Address: "10.0.0.1", Port: 80, H2C: true}, true
		},
		dial: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			s := &http.Server{Protocols: &http.Protocols{}, ReadHeaderTimeout: time.Second}
			s.Protocols.SetUnencryptedHTTP2(true)
			go func() { _ = s.Serve(&once{conn: server}) }()
			return client, nil
		},
	}
}

// take connects, and fails the test if it cannot.
func connected(t *testing.T, ps *pods) *link {
	t.Helper()
	l, err := ps.connect(t.Context(), "uid", paths{}, free)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func giveBack(l *link) {
	l.http.Release()
	l.release()
}

// A link that is shared rests when nobody uses it, and ends after that.
func TestSharedLinkRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := h2cPods()
		one, two := connected(t, ps), connected(t, ps)
		if one != two || ps.idle("uid") != one {
			t.Error("it is not shared")
		}
		for range 2 {
			giveBack(one)
			time.Sleep(2 * time.Second)
		}
		if one.http.Err() != nil {
			t.Error("closed in use")
		}
		giveBack(one)
		time.Sleep(500 * time.Millisecond)
		if three := connected(t, ps); three != one {
			t.Error("it is not used again while it rests")
		}
		time.Sleep(2 * time.Second)
		if one.http.Err() != nil {
			t.Error("closed in use again")
		}
		giveBack(one)
		time.Sleep(2 * time.Second)
		if one.http.Err() == nil || !ps.byUID["uid"].unused() {
			t.Error("it never ends")
		}
	})
}

// A shared link to a pod that is gone is closed by the last who uses it.
func TestSharedLinkOfAPodThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := h2cPods()
		one, two := connected(t, ps), connected(t, ps)
		ps.forget("uid")
		giveBack(one)
		if two.http.Err() != nil {
			t.Error("closed in use")
		}
		giveBack(two)
		if two.http.Err() == nil {
			t.Error("it was kept")
		}
		three := connected(t, ps)
		giveBack(three)
		ps.forget("uid")
		if three == one || three.http.Err() == nil {
			t.Error("an idle one is open")
		}
	})
}
