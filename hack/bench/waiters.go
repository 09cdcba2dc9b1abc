package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/dormouse-dev/dormouse/hack/bench/figures"
)

const (
	// herd is how many requests wait for one key, and flock how many for one key each.
	herd  = 5000
	flock = 1000
	// changes is how many a second there are to other sessions meanwhile, for so many seconds.
	changes, changesFor = 200, 2
	// knocking is how long a gateway finds the port of a pod shut.
	knocking = 200 * time.Millisecond
	// settling is how long a server has to end the connections of what was measured before.
	settling = time.Second
)

// What is to be reached.
const (
	maxRelease = 150 * time.Millisecond
	maxDialing = 64
	maxHeld    = 12 << 10
	maxSocket  = 20 << 10
)

// patient is what our gateway does for those who wait.
type patient struct {
	released time.Duration // from the pod's port opening to the last of the herd at the pod
	answered time.Duration // and to its last answer
	cpu      time.Duration // that the gateway took for that
	dialing  int64         // most dials at once

	alone, watched time.Duration // what a change of another session costs, with nobody waiting and with the flock
	stirred        int64         // times that one of the flock was called for nothing
	flockAnswered  time.Duration // from their publication, all at once and while the others change, to the last answer
	flockWeight    float64       // bytes of each
}

// holds says whether a server has requests wait for a pod.
func (p *peer) holds() bool { return p.name == "dormouse" }

// hold sends so many requests, each for a key that sleeps, and returns when all wait.
func (p *peer) hold(ctx context.Context, n int, key func(i int) string) (crowd, error) {
	before, err := figures.From(p.control)
	if err != nil {
		return nil, err
	}
	waiting, err := gather(ctx, p.http1, n, func(i int, c *conn) error { return c.ask(key(i) + ".bench.test") })
	if err != nil {
		return nil, err
	}
	err = until(ctx, "wait until all are held", func() (bool, error) {
		now, err := figures.From(p.control)
		return now.Wakes-before.Wakes >= int64(n), err
	})
	return waiting, err
}

// order tells a server of ours to do something.
func (p *peer) order(ctx context.Context, path string, words ...string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.control+path, nil)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	for i := 0; i+1 < len(words); i += 2 {
		q.Set(words[i], words[i+1])
	}
	r.URL.RawQuery = q.Encode()
	_, _, err = answerOf(http.DefaultClient, r)
	return err
}

// releaseHerd has the herd wait for one key, and opens the port of its pod.
func (c *contest) releaseHerd(ctx context.Context, p *peer, to *patient) error {
	waiting, err := p.hold(ctx, herd, func(int) string { return "herd" })
	if err != nil {
		return err
	}
	defer waiting.leave()
	shut, err := c.free()
	if err != nil {
		return err
	}
	if err := p.order(ctx, "/publish", "key", "herd", "address", shut); err != nil {
		return err
	}
	answers := waiting.answers(ctx)
	time.Sleep(knocking)
	before, err := p.look()
	if err != nil {
		return err
	}
	opened := time.Now()
	pod, err := openPod(ctx, shut)
	if err != nil {
		return err
	}
	last, err := answers()
	if err != nil {
		return err
	}
	after, err := p.look()
	to.answered, to.released = last.Sub(opened), time.Unix(0, pod.last.Load()).Sub(opened)
	to.cpu, to.dialing = after.begun-before.done, after.Dials
	if n := pod.asked.Load(); err == nil && n != herd {
		err = fmt.Errorf("the pod was asked %d times", n)
	}
	return err
}

// door is a pod that counts who comes, and knows when the last one did.
type door struct{ asked, last atomic.Int64 }

func openPod(ctx context.Context, address string) (*door, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	d := &door{}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		d.asked.Add(1)
		d.last.Store(time.Now().UnixNano())
		_, _ = io.WriteString(w, "a good move\n")
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }()
	return d, nil
}

// disturb has the flock wait, each for a key of its own, while other sessions change.
func (c *contest) disturb(ctx context.Context, p *peer, to *patient) (err error) {
	time.Sleep(settling)
	if to.alone, err = p.change(ctx); err != nil {
		return err
	}
	before, err := p.look()
	if err != nil {
		return err
	}
	waiting, err := p.hold(ctx, flock, func(i int) string { return "flock-" + strconv.Itoa(i) })
	if err != nil {
		return err
	}
	defer waiting.leave()
	if to.watched, err = p.change(ctx); err != nil {
		return err
	}
	after, err := p.look()
	if err != nil {
		return err
	}
	to.flockWeight = (float64(after.Memory) - float64(before.Memory)) / flock
	to.stirred = after.Stirred - before.Stirred
	going := make(chan error, 1)
	go func() {
		_, err := p.change(ctx)
		going <- err
	}()
	answers, began := waiting.answers(ctx), time.Now()
	if err := p.order(ctx, "/publish", "key", "flock", "n", strconv.Itoa(flock), "address", c.pod.http1); err != nil {
		return err
	}
	last, err := answers()
	to.flockAnswered = last.Sub(began)
	return errors.Join(err, <-going)
}

// change has other sessions change for some time, and gives the processor time that each change took, with all else that went on.
func (p *peer) change(ctx context.Context) (time.Duration, error) {
	pid := p.process.Process.Pid
	before, err := spent(pid)
	if err != nil {
		return 0, err
	}
	if err := p.order(ctx, "/change", "rate", strconv.Itoa(changes), "seconds", strconv.Itoa(changesFor)); err != nil {
		return 0, err
	}
	after, err := spent(pid)
	return (after - before) / (changes * changesFor), err
}

// wait measures all that for our gateway.
func (c *contest) wait(ctx context.Context) (*patient, error) {
	for _, p := range c.peers {
		if !p.holds() {
			continue
		}
		to := &patient{}
		if err := c.disturb(ctx, p, to); err != nil {
			return nil, fmt.Errorf("%d requests held for a key each: %w", flock, err)
		}
		if err := c.releaseHerd(ctx, p, to); err != nil {
			return nil, fmt.Errorf("%d requests held for one key: %w", herd, err)
		}
		return to, nil
	}
	return nil, errors.New("nobody holds requests")
}

func printPatient(out io.Writer, t *patient) {
	fmt.Fprint(out, "\nThose who wait, at our gateway\n\n")
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| what\t| reached\t| target\t| \t|")
	fmt.Fprintln(w, "|---\t|--:\t|--:\t|---\t|")
	row := func(what, reached, target string, ok bool) {
		fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %s\t|\n", what, reached, target, okay(ok))
	}
	row(fmt.Sprintf("%d requests held for one key: the last is at the pod, after its port has opened", herd), ms(t.released)+" ms", ms(maxRelease)+" ms", t.released <= maxRelease)
	fmt.Fprintf(w, "| the last has its answer\t| %s ms\t| \t| \t|\n", ms(t.answered))
	fmt.Fprintf(w, "| processor time of the gateway for that, a request\t| %.1f µs\t| \t| \t|\n", float64(t.cpu.Nanoseconds())/1000/herd)
	row("most dials to that pod at once", strconv.FormatInt(t.dialing, 10), strconv.Itoa(maxDialing), t.dialing <= maxDialing)
	row(fmt.Sprintf("%d requests held for a key each, %d changes a second of other sessions: calls for nothing", flock, changes), strconv.FormatInt(t.stirred, 10), "0", t.stirred == 0)
	fmt.Fprintf(w, "| processor time of a change, with nobody waiting and with them\t| %s, %s\t| \t| \t|\n", t.alone.Round(100*time.Nanosecond), t.watched.Round(100*time.Nanosecond))
	fmt.Fprintf(w, "| all of them published at once, meanwhile: the last answer\t| %s ms\t| \t| \t|\n", ms(t.flockAnswered))
	row("memory of a request that is held, each for a key of its own", kib(t.flockWeight)+" KiB", kib(maxHeld)+" KiB", t.flockWeight <= maxHeld)
	_ = w.Flush()
}
