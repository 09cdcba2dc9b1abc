package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
)

// weighed is how many connections of a kind are open at once when their memory is measured.
const weighed = 1000

// heldKey is a key whose session sleeps until this program publishes it.
const heldKey = "held"

// weights are what a connection costs in one server, in bytes.
type weights struct {
	peer         *peer
	idle, socket float64
	held         float64 // only our gateway holds
}

// memory is what of a server is in use: of one of ours its heap and stacks, of another all that is in RAM.
func (p *peer) memory() (uint64, error) {
	if !p.goes {
		return resident(p.process.Process.Pid)
	}
	l, err := p.look()
	return l.Memory, err
}

// weigh measures it for all but variants.
func (c *contest) weigh(ctx context.Context) (all []weights, err error) {
	for _, p := range c.peers {
		if p.variant {
			continue
		}
		if err := warm(ctx, p, load{at: 1, host: small}); err != nil {
			return nil, err
		}
		w := weights{peer: p}
		w.idle, err = p.weight(ctx, func(_ int, c *conn) error { return c.get(small) })
		if err != nil {
			return nil, fmt.Errorf("%s: idle connections: %w", p.name, err)
		}
		w.socket, err = p.weight(ctx, func(_ int, c *conn) error {
			if err := c.upgrade(); err != nil {
				return err
			}
			return c.exchange()
		})
		if err != nil {
			return nil, fmt.Errorf("%s: WebSockets: %w", p.name, err)
		}
		if p.holds() {
			if w.held, err = c.weighHeld(ctx, p); err != nil {
				return nil, fmt.Errorf("%s: held requests: %w", p.name, err)
			}
		}
		all = append(all, w)
	}
	return all, nil
}

// weight is how many bytes more are in use for each connection, once something has been done over each.
func (p *peer) weight(ctx context.Context, do func(int, *conn) error) (float64, error) {
	before, err := p.memory()
	if err != nil {
		return 0, err
	}
	open, err := gather(ctx, p.http1, weighed, do)
	if err != nil {
		return 0, err
	}
	defer open.leave()
	after, err := p.memory()
	return (float64(after) - float64(before)) / weighed, err
}

// weighHeld measures requests that wait for one key, and lets them go.
func (c *contest) weighHeld(ctx context.Context, p *peer) (bytes float64, err error) {
	before, err := p.memory()
	if err != nil {
		return 0, err
	}
	waiting, err := p.hold(ctx, weighed, func(int) string { return heldKey })
	if err != nil {
		return 0, err
	}
	defer waiting.leave()
	after, err := p.memory()
	if err != nil {
		return 0, err
	}
	if err := p.order(ctx, "/publish", "key", heldKey, "address", c.pod.http1); err != nil {
		return 0, err
	}
	_, err = waiting.answers(ctx)()
	return (float64(after) - float64(before)) / weighed, err
}

func printWeights(out io.Writer, all []weights) {
	fmt.Fprintf(out, "\nWhat a connection costs in memory, KiB, of %d at once: heap and stacks after a collection; of nginx and haproxy all that came into RAM\n\n", weighed)
	t := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(t, "| server\t| idle connection\t| open WebSocket\t| held request\t|")
	fmt.Fprintln(t, "|---\t|--:\t|--:\t|--:\t|")
	for _, w := range all {
		held := ""
		if w.peer.holds() {
			held = kib(w.held)
		}
		fmt.Fprintf(t, "| %s\t| %s\t| %s\t| %s\t|\n", w.peer.name, kib(w.idle), kib(w.socket), held)
	}
	_ = t.Flush()
}

func kib(bytes float64) string { return fmt.Sprintf("%.1f", bytes/1024) }
