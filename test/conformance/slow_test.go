package conformance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/conformance"
	"github.com/dormouse-dev/dormouse/internal/gateway"
)

// large is a workload whose answers fill every buffer on the way.
func large(w http.ResponseWriter, _ *http.Request) {
	chunk := make([]byte, 1<<20)
	for range 16 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// attackers is how many connections each attack keeps open.
const attackers = 20

// Attacks with slow headers, slow bodies, many ranges and slow reading: no connection survives its limit. slowhttptest would go on for two
// minutes, and closes no connection before; it is ended when the gateway has closed all of them.
func TestSlowHTTPTest(t *testing.T) {
	program, err := exec.LookPath("slowhttptest")
	if err != nil {
		t.Skip("slowhttptest is not installed: hack/packages slowhttptest")
	}
	for _, tt := range []struct {
		name     string
		workload http.HandlerFunc
		args     []string
	}{
		{"slow headers", conformance.Echo, []string{"-H", "-i", "1", "-x", "8"}},
		{"slow body", conformance.Echo, []string{"-B", "-i", "1", "-x", "8", "-s", "8192"}},
		{"ranges", large, []string{"-R", "-a", "1", "-b", "200"}},
		{"slow read", large, []string{"-X", "-w", "10", "-y", "20", "-n", "1", "-z", "5"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := start(t, tt.workload, func(g *gateway.Gateway) { g.Stall = 2 * time.Second })
			_, port, _ := net.SplitHostPort(l.Addr().String())
			args := append(tt.args, "-u", "http://127.0.0.1:"+port+"/t/a/", "-c", strconv.Itoa(attackers), "-r", "20", "-l", "120", "-v", "1")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			attack := make(chan string, 1)
			go func() {
				out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
				attack <- fmt.Sprint(string(out), err)
			}()
			if out, ok := l.outlives(attack); !ok {
				t.Errorf("of %d connections, %d were open when the attack was over:\n%s", l.accepted.Load(), l.open.Load(), out)
			}
		})
	}
}

// outlives says whether all connections of an attack were closed before it gave up: it says so itself, or they are seen to be.
// What the kernel has buffered for a slow reader, it still reads then.
func (l *listener) outlives(attack <-chan string) (string, bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for l.accepted.Load() < attackers || l.open.Load() > 0 {
		select {
		case out := <-attack:
			return out, l.accepted.Load() >= attackers && strings.Contains(out, "No open connections left")
		case <-tick.C:
		}
	}
	return "", true
}
