package gateway_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// switched is the connection of an upgrade that is taken.
func switched(w http.ResponseWriter) net.Conn {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	return c
}

// rawRoom is a room in which a test speaks for the client and for the pods.
func rawRoom(t *testing.T) (r *room, client, pod net.Conn) {
	t.Helper()
	r = newRoom(t)
	r.raw = make(chan net.Conn, 10)
	client = r.opens()
	return r, client, <-r.raw
}

// masked is a frame of a client, plain one of a pod.
func masked(first byte, text string) string {
	return string([]byte{first, 0x80 | byte(len(text)), 0, 0, 0, 0}) + text
}
func plain(first byte, text string) string { return string([]byte{first, byte(len(text))}) + text }

// First bytes of frames: the begin of a message, its end, a whole one, and a goodbye.
const begins, ends, whole, bye = 0x01, 0x80, 0x81, 0x88

// goingAway is the payload of a goodbye of the gateway.
const goingAway = "\x03\xe9"

func says(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func gets(t *testing.T, c net.Conn, want string) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got[:n], err, want)
	}
}

// getsNothing looks for a while.
func getsNothing(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	got := make([]byte, 100)
	if n, err := c.Read(got); n > 0 || err == nil {
		t.Fatalf("got %q", got[:n])
	}
}

// 000-12: a sleep waits for the end of a message that a client has begun. What is behind it is for the next pod.
func TestNoMessageOfAClientIsTorn(t *testing.T) {
	r, client, pod := rawRoom(t)
	says(t, client, masked(begins, "ab"))
	gets(t, pod, masked(begins, "ab"))
	r.unpublish()
	getsNothing(t, pod)
	if r.dir.Unsettled() != 1 {
		t.Error("the sleep does not wait")
	}
	says(t, client, masked(0x89, "ping")+masked(ends, "cd")+masked(whole, "next"))
	gets(t, pod, masked(0x89, "ping")+masked(ends, "cd")+masked(bye, goingAway))
	if r.dir.Unsettled() != 1 {
		t.Error("the sleep does not wait for the pod's goodbye")
	}
	says(t, pod, plain(whole, "last")+plain(bye, goingAway))
	gets(t, client, plain(whole, "last"))
	gets(t, <-r.raw, masked(whole, "next")) // it takes back the sleep
	getsNothing(t, client)
}

// And of one that the pod has begun.
func TestNoMessageOfAPodIsTorn(t *testing.T) {
	r, client, pod := rawRoom(t)
	says(t, pod, plain(begins, "ab"))
	gets(t, client, plain(begins, "ab"))
	r.unpublish()
	getsNothing(t, pod)
	says(t, client, masked(whole, "next")) // not for this pod any more
	getsNothing(t, pod)
	says(t, pod, plain(ends, "cd"))
	gets(t, pod, masked(bye, goingAway))
	gets(t, client, plain(ends, "cd"))
	_ = pod.Close()
	next := <-r.raw
	gets(t, next, masked(whole, "next"))
	says(t, next, plain(whole, "hello"))
	gets(t, client, plain(whole, "hello"))
}

// A message that cannot come to its end ends the connection: its other half would be taken for another message.
func TestTornMessageEndsTheConnection(t *testing.T) {
	const restart = "\x03\xf4"
	for name, c := range map[string]struct{ client, pod string }{
		"of the client":             {client: masked(begins, "ab")},
		"of the client, in a frame": {client: masked(whole, "abcd")[:8]},
		"of the pod":                {pod: plain(begins, "ab")},
		"of the pod, beside a ping": {pod: plain(begins, "ab") + plain(0x89, "x")},
	} {
		t.Run(name, func(t *testing.T) {
			_, client, pod := rawRoom(t)
			says(t, client, c.client)
			gets(t, pod, c.client)
			says(t, pod, c.pod)
			gets(t, client, c.pod)
			_ = pod.Close()
			gets(t, client, plain(bye, restart))
		})
	}
}

// Frames come in any parts, also while the session sleeps and in the midst of its wake.
func TestPartsOfFrames(t *testing.T) {
	r, client, pod := rawRoom(t)
	r.unpublish()
	gets(t, pod, masked(bye, goingAway))
	says(t, pod, plain(bye, goingAway))
	r.asleep(1)
	ping := masked(0x89, "12345")
	for _, part := range []string{ping[:1], ping[1:4]} {
		says(t, client, part)
		getsNothing(t, client)
	}
	says(t, client, ping[4:])
	gets(t, client, plain(0x8a, "12345"))
	says(t, client, masked(0x8a, "unasked")+masked(whole, "move")[:1]) // a pong is for nobody, the begin of a frame wakes
	next := <-r.raw
	says(t, client, masked(whole, "move")[1:]+ping[:3])
	gets(t, next, masked(whole, "move")+ping[:3])
	says(t, client, ping[3:])
	gets(t, next, ping[3:])
}

// What is no ping is not collected.
func TestPingThatIsTooLong(t *testing.T) {
	r, client, pod := rawRoom(t)
	r.unpublish()
	gets(t, pod, masked(bye, goingAway))
	says(t, pod, plain(bye, goingAway))
	r.asleep(1)
	says(t, client, "\x89\xfe\xff\xff")
	gets(t, client, plain(bye, "\x03\xea"))
}

// A client that says something and goodbye to a session that sleeps has both delivered, and hears the pod's goodbye.
func TestLastWordsToASleeper(t *testing.T) {
	r, client, pod := rawRoom(t)
	r.unpublish()
	gets(t, pod, masked(bye, goingAway))
	says(t, pod, plain(bye, goingAway))
	r.asleep(1)
	says(t, client, masked(whole, "resign")+masked(bye, "\x03\xe8"))
	next := <-r.raw
	gets(t, next, masked(whole, "resign")+masked(bye, "\x03\xe8"))
	says(t, next, plain(whole, "0-1")+plain(bye, "\x03\xe8"))
	_ = next.Close()
	gets(t, client, plain(whole, "0-1")+plain(bye, "\x03\xe8"))
}
