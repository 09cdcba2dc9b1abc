package gateway

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/gateway/websocket"
)

// ends is a tunnel that hibernates, without sockets.
type ends struct {
	directory.Directory
	id          directory.ID
	client, pod net.Conn
}

func open(t *testing.T, change ...func(*tunnel)) *ends {
	t.Helper()
	e := &ends{Directory: directory.Directory{Now: time.Now}}
	g := &Gateway{Now: time.Now, Metrics: NewMetrics(prometheus.NewRegistry()), Sessions: nobody{&e.Directory}}
	g.WakesPerClient, g.MaxHeld, g.MaxHeldPerTenant = -1, 1, 1
	g.prepare()
	e.Apply(e.id, directory.View{Version: 1, State: directory.Reachable, Epoch: 1, Pod: directory.Pod{UID: "pod"}})
	visit, ok := e.Enter(e.id)
	if !ok {
		t.Fatal("no visit")
	}
	front, client := net.Pipe()
	back, pod := net.Pipe()
	e.client, e.pod = client, pod
	tunnel := newTunnel(&g.upgrades, front)
	tunnel.dormancy = newDormancy(g, &resolve.Target{Template: &resolve.Template{WakeTimeout: time.Minute, MaxHeld: 1}, Patience: time.Minute}, &http.Request{}, nil)
	for _, f := range change {
		f(tunnel)
	}
	tunnel.start(&podEnd{Side: websocket.NewSide(back, true), conn: back, visit: visit, ended: make(chan struct{})}, nil)
	t.Cleanup(func() { _, _ = client.Close(), pod.Close() })
	return e
}

// nobody wakes sessions.
type nobody struct{ *directory.Directory }

func (nobody) Wake(context.Context, directory.Wish) error {
	return &directory.Refusal{Kind: directory.Suspended, Reason: "Suspended"}
}

func (e *ends) unpublish() {
	e.Apply(e.id, directory.View{Version: 2, State: directory.Unreachable, Epoch: 1, Unwanted: true})
}

// all reads to the end, and gives it with the time that it took.
func all(c net.Conn) (<-chan []byte, func() time.Duration) {
	began, got := time.Now(), make(chan []byte, 1)
	var took time.Duration
	go func() {
		p, _ := io.ReadAll(c)
		took = time.Since(began)
		got <- p
	}()
	return got, func() time.Duration { return took }
}

// A sleep does not wait for ever for the end of a message, nor for a pod's goodbye: the client is told to come again.
func TestPartingHasALimit(t *testing.T) {
	for name, said := range map[string][]byte{"a message": {1, 0x81, 0, 0, 0, 0, 'x'}, "a goodbye": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := open(t)
				toPod, _ := all(e.pod)
				toClient, took := all(e.client)
				if _, err := e.client.Write(said); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				e.unpublish()
				synctest.Wait()
				if e.Unsettled() != 1 {
					t.Error("the sleep does not wait")
				}
				if got := <-toClient; !slices.Equal(got, []byte{0x88, 2, 3, 0xe9}) {
					t.Errorf("the client got %x", got)
				}
				if d := took(); d < partTime || d > partTime+2*farewell {
					t.Errorf("after %v", d)
				}
				<-toPod
				synctest.Wait()
				if e.Unsettled() != 0 {
					t.Error("the sleep still waits")
				}
			})
		})
	}
}

// A pod that is known to have ended is not waited for: its node may be lost, and its connections open.
func TestConnectionToALostNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t)
		toClient, _ := all(e.client)
		e.Apply(e.id, directory.View{Version: 2})
		synctest.Wait()
		began := time.Now()
		if _, err := e.client.Write([]byte{0x81, 0x81, 0, 0, 0, 0, 'x'}); err != nil {
			t.Fatal(err)
		}
		if got := <-toClient; string(got) != "\x88\x0b\x03\xf5Suspended" {
			t.Errorf("the client got %q", got)
		}
		if took := time.Since(began); took > 2*farewell {
			t.Errorf("after %v", took)
		}
	})
}

// A connection ends with the credential by which it was opened: at that moment, asleep, awake or between the two, and asleep nobody is woken for it.
func TestConnectionEndsWithItsCredential(t *testing.T) {
	for name, before := range map[string]func(*ends){
		"awake": func(*ends) {},
		"asleep": func(e *ends) {
			e.Apply(e.id, directory.View{Version: 2}) // its pod has ended
			_ = e.pod.Close()
		},
		"parting from a pod that does not answer": func(e *ends) { time.AfterFunc(time.Minute-partTime/2, e.unpublish) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := open(t, func(t *tunnel) { t.expires(time.Minute) })
				toPod, _ := all(e.pod)
				toClient, took := all(e.client)
				synctest.Wait()
				before(e)
				synctest.Wait()
				if got := <-toClient; string(got) != "\x88\x1c\x03\xf0the credential has expired" {
					t.Errorf("the client got %q", got)
				}
				if d := took(); d < time.Minute || d > time.Minute+2*farewell {
					t.Errorf("after %v", d)
				}
				<-toPod
			})
		})
	}
}
