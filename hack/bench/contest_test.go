package main

import (
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/hack/bench/figures"
)

const saidByWrk = `Running 1s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     5.98ms    8.29ms  52.26ms   85.76%
    Req/Sec    10.68k     3.06k   13.66k    80.00%
  Latency Distribution
     50%    2.63ms
     75%    8.94ms
  10752 requests in 1.01s, 1.62MB read
Requests/sec:  10642.79
`

func TestWrkIsRead(t *testing.T) {
	got, err := readWrk(saidByWrk)
	if want := (tally{10752, 2630 * time.Microsecond}); got != want || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	for _, wrong := range []string{"", saidByWrk + "  Non-2xx or 3xx responses: 5\n", saidByWrk + "  Socket errors: connect 0, read 1, write 0, timeout 0\n"} {
		if got, err := readWrk(wrong); err == nil {
			t.Errorf("%v, of %q", got, wrong)
		}
	}
}

func TestH2loadIsRead(t *testing.T) {
	const said = "finished in 1.00s\nrequests: 3 total, 4 started, 3 done, 3 succeeded, 0 failed, 0 errored, 0 timeout\n"
	const log = "1795980185365944\t200\t30\n1795980185365945\t200\t10\n1795980185365946\t200\t20\n"
	got, err := readH2load(said, log)
	if want := (tally{3, 20 * time.Microsecond}); got != want || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	for _, wrong := range [][2]string{
		{"", log},
		{strings.Replace(said, "3 succeeded, 0 failed", "2 succeeded, 1 failed", 1), log},
		{said, strings.Replace(log, "200", "503", 1)},
		{said, ""},
	} {
		if got, err := readH2load(wrong[0], wrong[1]); err == nil {
			t.Errorf("%v, of %q", got, wrong)
		}
	}
}

func TestProcIsRead(t *testing.T) {
	if got, err := onProcessor("228500 69029 1\n"); got != 228500 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := onProcessor(""); err == nil {
		t.Errorf("%v, of nothing", got)
	}
	if got, err := residentIn("Name:\tnginx\nVmRSS:\t    2048 kB\n"); got != 2<<20 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := residentIn("Name:\tnginx\n"); err == nil {
		t.Errorf("%v, of nothing", got)
	}
}

// turns of a server: ten requests each, of so many microseconds of the processor.
func turns(p50 time.Duration, cpu ...time.Duration) (all []turn) {
	for _, us := range cpu {
		all = append(all, turn{tally: tally{10, p50}, took: time.Second, cpu: 10 * us * time.Microsecond, mallocs: 925})
	}
	return all
}

func TestTheTableComparesMedians(t *testing.T) {
	l := load{title: "some load"}
	us := time.Microsecond
	all := []*score{
		{load: l, peer: &peer{name: itself}, turns: turns(100*us, 7, 7, 7)},
		{load: l, peer: &peer{name: theirs}, turns: turns(130*us, 90, 20, 10)},
		{load: l, peer: &peer{name: "dormouse", goes: true, calls: calls{30, 0, 1}}, turns: turns(150*us, 30, 50, 31)},
		{load: load{title: "another"}, peer: &peer{name: "dormouse", goes: true}, turns: turns(150*us, 30, 32)},
	}
	var out strings.Builder
	printContest(&out, all, 3, time.Minute)
	for _, want := range []string{
		"| some load | the pod itself | | | | 100 | | 10 |",
		"| some load | nginx | 20.0 | 1.00 | | 130 | 30 | 10 |",
		"| some load | dormouse | 31.0 | 1.55 | 92.5 | 150 | 50 | 10 |",
		"| another | dormouse | 31.0 | | 92.5 | 150 | | 10 |",
		"for 30 requests: 0, and 1 touches",
	} {
		if got := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestCallsAddUp(t *testing.T) {
	var c calls
	c.add(10, figures.Figures{Wakes: 1, Touches: 2}, figures.Figures{Wakes: 1, Touches: 3})
	c.add(20, figures.Figures{Wakes: 1, Touches: 3}, figures.Figures{Wakes: 2, Touches: 3})
	if want := (calls{30, 1, 1}); c != want {
		t.Errorf("got %v, want %v", c, want)
	}
}

func TestATargetThatIsMissedIsTold(t *testing.T) {
	good := patient{released: maxRelease, dialing: maxDialing, flockWeight: maxHeld}
	var out strings.Builder
	printPatient(&out, &good)
	if strings.Contains(out.String(), "MISSED") {
		t.Errorf("something is missed in\n%s", &out)
	}
	bad := patient{released: maxRelease + 1, dialing: maxDialing + 1, flockWeight: maxHeld + 1, stirred: 1}
	out.Reset()
	printPatient(&out, &bad)
	if n := strings.Count(out.String(), "MISSED"); n != 4 {
		t.Errorf("%d are missed in\n%s", n, &out)
	}
}

func TestFlagsOfTheContest(t *testing.T) {
	v := verb{rounds: 3, more: true}
	if o, err := v.options([]string{"gateway", "-only", "h2c", "-seconds", "2"}); err != nil || o.n != 3 || o.seconds != 2 || o.only.MatchString("HTTP") {
		t.Errorf("%+v, %v", o, err)
	}
	v.more = false
	for _, wrong := range [][]string{{"hit", "-only", "x"}, {"hit", "-n", "0"}, {"hit", "more"}} {
		if o, err := v.options(wrong); err == nil {
			t.Errorf("%+v, of %q", o, wrong)
		}
	}
}

// A WebSocket of the client meets the pod that takes it, and an upload does.
func TestThePodEchoes(t *testing.T) {
	address, err := serveSockets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.get(sockets); err != nil {
		t.Fatal(err)
	}
	if err := c.upgrade(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := c.exchange(); err != nil {
			t.Fatal(err)
		}
	}
}
