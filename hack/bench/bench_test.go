package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const line = `{"stage":%q,"requestURI":%q,"verb":%q,"user":{"username":"system:serviceaccount:dormouse-system:dormouse-operator"},` +
	`"objectRef":{"resource":"pods","subresource":%q,"namespace":%q,"name":"bench.a"},"responseStatus":{"code":201},` +
	`"requestReceivedTimestamp":"2026-01-02T03:04:05.000006Z"}` + "\n"

func TestOnlyWritesToOurNamespaceCount(t *testing.T) {
	text := fmt.Sprintf(line, "ResponseComplete", "/x", "create", "status", namespace) +
		fmt.Sprintf(line, "ResponseStarted", "/x", "create", "", namespace) +
		fmt.Sprintf(line, "ResponseComplete", "/x?dryRun=All", "create", "", namespace) +
		fmt.Sprintf(line, "ResponseComplete", "/x", "get", "", namespace) +
		fmt.Sprintf(line, "ResponseComplete", "/x", "create", "", "games") +
		`{"stage":"ResponseComplete","verb":"crea`
	writes, err := parse([]byte(text))
	if err != nil || len(writes) != 1 {
		t.Fatalf("%v, %v", writes, err)
	}
	want := write{operator, "create", "pods/status", "bench.a", 201, time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}
	if writes[0] != want {
		t.Errorf("got %v, want %v", writes[0], want)
	}
}

// at is some milliseconds after the beginning.
func at(ms int) time.Time { return time.Unix(0, 0).Add(time.Duration(ms) * time.Millisecond) }

func TestAWriteBelongsToTheCycleInWhichItCame(t *testing.T) {
	starts := []sample{{object: "bench.a", sent: at(10), answered: at(20)}, {object: "bench.a", sent: at(100), answered: at(110)}}
	writes := []write{
		{operator, "create", "pods", "bench.a", 201, at(9)},
		{operator, "create", "pods", "bench.a", 201, at(10)},
		{operator, "create", "events", "bench.a.1", 201, at(99)},
		{operator, "create", "pods", "bench.ab", 201, at(50)},
		{operator, "create", "pods", "bench.a", 201, at(100)},
	}
	cycles := cyclesOf(starts, at(200), writes)
	if n := cycles[0].count(ourWrites); n != 1 {
		t.Errorf("%d writes in the first cycle: %v", n, cycles[0].writes)
	}
	if n := cycles[0].count(ourEvents); n != 1 {
		t.Errorf("%d events in the first cycle: %v", n, cycles[0].writes)
	}
	if n := len(cycles[1].writes); n != 1 {
		t.Errorf("%d writes in the second cycle: %v", n, cycles[1].writes)
	}
}

func TestASlowMachineIsNoFault(t *testing.T) {
	stop := write{operator, "delete", "pods", "bench.a", 200, at(5)}
	release := write{operator, "patch", "pods", "bench.a", 200, at(6)}
	finish := write{operator, "delete", "pods", "bench.a", 200, at(7)}
	for _, c := range []struct {
		what   string
		took   int
		writes []write
		slow   bool
	}{
		{"an ordinary cycle", 200, []write{stop, release}, false},
		{"a pod that was asked to stop twice", 200, []write{stop, stop, release}, false},
		{"a pod that its kubelet did not finish", 200, []write{stop, release, finish}, true},
		{"a request that waited long enough to touch again", 501, []write{stop, release}, true},
	} {
		made := cycle{start: sample{sent: at(0), answered: at(c.took)}, writes: c.writes}
		if made.slow() != c.slow {
			t.Errorf("%s: slow is %v", c.what, !c.slow)
		}
	}
}

func TestMoreWritesThanPromisedAreAnError(t *testing.T) {
	r := runs{wake: []sample{{object: "bench.a", sent: at(0), answered: at(9)}}, end: at(100)}
	var writes []write
	for range maxWrites {
		writes = append(writes, write{gateways, "patch", "sessions/status", "bench.a", 200, at(1)})
	}
	var out strings.Builder
	if err := printWrites(&out, r, writes); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := printWrites(&out, r, append(writes, writes[0])); err == nil {
		t.Errorf("no error\n%s", &out)
	}
}

func TestQuantiles(t *testing.T) {
	d := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 20}
	if m, p := quantile(d, 0.5), quantile(d, 0.9); m != 5 || p != 9 {
		t.Errorf("median %d, 90 %% %d", m, p)
	}
	if m := quantile(d[:3], 0.5); m != 2 {
		t.Errorf("median of three %d", m)
	}
}

func TestBenchmarksAreRead(t *testing.T) {
	took, bytes, allocs, err := medians("BenchmarkHit \t 100\t 7 ns/op\t 20 B/op\t 3 allocs/op\nBenchmarkHit\t 100\t 9.5 ns/op\t 20 B/op\t 3 allocs/op\n" +
		"BenchmarkHit \t 100\t 8 ns/op\t 21 B/op\t 3 allocs/op\nPASS\n")
	if took != 8 || bytes != 20 || allocs != 3 || err != nil {
		t.Errorf("%v ns, %v bytes, %v allocations, %v", took, bytes, allocs, err)
	}
	if _, _, _, err := medians("PASS\n"); err == nil {
		t.Error("nothing was read as something")
	}
}

func TestIdleIsAPartOfTheTimeBetween(t *testing.T) {
	if got := (ticks{all: 300, idle: 170}).idleSince(ticks{all: 100, idle: 50}); got != "60 %" {
		t.Errorf("120 of 200 is %s", got)
	}
	if got := (ticks{}).idleSince(ticks{}); got != "unknown" {
		t.Errorf("without /proc: %s", got)
	}
}

func TestASecondBenchWaitsForTheFirst(t *testing.T) {
	audit := filepath.Join(t.TempDir(), "audit.log")
	first, err := alone(t.Context(), audit)
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := alone(over, audit); !errors.Is(err, context.Canceled) {
		t.Fatalf("while the first is at work: %v", err)
	}
	first()
	second, err := alone(over, audit)
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	second()
}

func TestWhatIsLuckIsTold(t *testing.T) {
	wake, bare := make([]time.Duration, 20), make([]time.Duration, 20)
	for i := range wake {
		wake[i], bare[i] = 216*time.Millisecond, 200*time.Millisecond
	}
	if low, high := chance(wake, bare); low != 16*time.Millisecond || high != low {
		t.Errorf("where all rounds are alike: %v to %v", low, high)
	}
	for i := range wake {
		wake[i] += time.Duration(i) * time.Millisecond
	}
	low, high := chance(wake, bare)
	if d := median(wake) - median(bare); low >= d || high <= d {
		t.Errorf("%v to %v, of %v", low, high, d)
	}
}

func TestWhatTheNodeTakesIsNotOurs(t *testing.T) {
	started := func(name string, created, bound, addressed int) []write {
		return []write{
			{"admin", "create", "pods", name, 201, at(created)},
			{"scheduler", "create", "pods/binding", name, 201, at(bound)},
			{kubelet, "patch", "pods/status", name, 200, at(addressed)},
		}
	}
	writes := append(started("bench.again", 9, 15, 100), append(started("least-1", 7, 10, 90), started("bare-1", 1, 6, 80)...)...)
	writes = append(writes,
		write{gateways, "patch", "sessions/status", "bench.again", 200, at(1)}, write{operator, "patch", "sessions/status", "bench.again", 200, at(105)})
	var out strings.Builder
	printTrace(&out, runs{
		wake:  []sample{{object: "bench.again", sent: at(0), answered: at(115)}},
		least: []sample{{object: "least-1", sent: at(0), addressed: at(95), answered: at(110)}},
		bare:  []sample{{object: "bare-1", sent: at(0), addressed: at(85), answered: at(90)}},
		end:   at(200),
	}, writes)
	if got := strings.Fields(out.String()[strings.LastIndex(out.String(), "kubelet"):]); !slices.Equal(got[1:], []string{"24.0", "27.0", "11.0"}) {
		t.Errorf("got %v\n%s", got, &out)
	}
}
