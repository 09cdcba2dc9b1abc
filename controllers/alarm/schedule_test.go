package alarm

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// TestNext: what comes after a time, in zones that set their clocks.
func TestNext(t *testing.T) {
	const berlin, newYork, lordHowe, saoPaulo = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"
	for _, c := range []struct{ name, cron, zone, after, want string }{
		{"each minute", "* * * * *", "", "2026-01-02T03:04:05Z", "2026-01-02T03:05:00Z"},
		{"is after the time itself", "0 6 * * *", "", "2026-01-02T06:00:00Z", "2026-01-03T06:00:00Z"},
		{"on workdays", "0 6 * * mon-fri", "", "2026-01-02T06:00:00Z", "2026-01-05T06:00:00Z"},
		{"in a leap year", "0 0 29 2 *", "", "2026-01-02T06:00:00Z", "2028-02-29T00:00:00Z"},
		{"in winter", "0 6 * * *", berlin, "2026-01-02T00:00:00Z", "2026-01-02T05:00:00Z"},
		{"in summer", "0 6 * * *", berlin, "2026-07-02T00:00:00Z", "2026-07-02T04:00:00Z"},
		{"on another day than in UTC", "0 0 * * mon", newYork, "2026-01-04T12:00:00Z", "2026-01-05T05:00:00Z"},
		{"that the clock skips: when it has jumped", "30 2 * * *", berlin, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"that the clock skips: and then the day after", "30 2 * * *", berlin, "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		{"that the clock skips over twice: once", "15,45 2 * * *", berlin, "2026-03-29T01:00:00Z", "2026-03-30T00:15:00Z"},
		{"that the clock shows twice: the first time", "30 2 * * *", berlin, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"that the clock shows twice: not the second", "30 2 * * *", berlin, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"after an hour that is shown twice", "0 3 * * *", berlin, "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"},
		{"west of Greenwich, skipped", "30 2 * * *", newYork, "2026-03-08T05:00:00Z", "2026-03-08T07:00:00Z"},
		{"west of Greenwich, shown twice", "30 1 * * *", newYork, "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"},
		{"each hour, over a jump", "30 * * * *", berlin, "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"},
		{"each hour, also the one that is shown twice", "30 * * * *", berlin, "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		{"midnight that the clock skips", "0 0 * * *", saoPaulo, "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z"},
		{"after a jump of half an hour", "0 3 * * *", lordHowe, "2026-10-03T12:00:00Z", "2026-10-03T16:00:00Z"},
		{"skipped by a jump of half an hour", "15 2 * * *", lordHowe, "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := parse(c.cron, c.zone, at(t, c.after))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.next(at(t, c.after)); !got.Equal(at(t, c.want)) {
				t.Errorf("%s after %s is %s, want %s", c.cron, c.after, got.UTC().Format(time.RFC3339), c.want)
			}
		})
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, cron, zone, words string }{
		{"a field", "0 6 * * funday", "", "funday"},
		{"a number out of range", "60 6 * * *", "", "above maximum (59)"},
		{"too few fields", "0 6 * *", "", "expected exactly 5 fields, found 4"},
		{"a word", "@daily", "", "@daily"},
		{"a zone", "0 6 * * *", "Europe/Atlantis", "Europe/Atlantis"},
		{"a day that never comes", "0 6 30 2 *", "", "never comes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parse(c.cron, c.zone, at(t, "2026-01-02T03:04:05Z")); err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v does not say %q", err, c.words)
			}
		})
	}
}

var (
	zones = rapid.SampledFrom([]string{"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Casablanca"})
	crons = rapid.SampledFrom([]string{
		"* * * * *", "*/7 * * * *", "30 * * * *", "0 6 * * *", "30 2 * * *", "15,45 1-3 * * *", "0 0 * * *", "0 */2 * * *", "0 0 1 * *", "30 2 * * sun", "0 12 29 2 *",
	})
	// instants are some time in two years, with many of them around when clocks are set.
	instants = rapid.Custom(func(t *rapid.T) time.Time {
		from := rapid.SampledFrom([]string{"2026-01-01T00:00:00Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z", "2026-10-03T15:30:00Z"})
		begin, _ := time.Parse(time.RFC3339, from.Draw(t, "around"))
		within := rapid.SampledFrom([]time.Duration{3 * time.Hour, 100 * time.Hour, 17000 * time.Hour}).Draw(t, "within")
		return begin.Add(time.Duration(rapid.Int64Range(-int64(within), int64(within)).Draw(t, "off")))
	})
)

// TestLawNextIsTheFirst: there is no time between t and the next, whenever in between one asks; and it is later.
func TestLawNextIsTheFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := instants.Draw(t, "now")
		s, err := parse(crons.Draw(t, "cron"), zones.Draw(t, "zone"), now)
		if err != nil {
			t.Fatal(err)
		}
		next := s.next(now)
		if !next.After(now) {
			t.Fatalf("the next time after %v is %v", now, next)
		}
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(now))-1).Draw(t, "between")))
		if again := s.next(between); !again.Equal(next) {
			t.Fatalf("after %v comes %v, and after %v between them %v", now, next, between, again)
		}
	})
}

// TestLawEachDayHasItsTime: a time of each day comes on each day, once, whatever the clocks do.
func TestLawEachDayHasItsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := instants.Draw(t, "now")
		s, err := parse(rapid.SampledFrom([]string{"30 2 * * *", "30 1 * * *", "0 0 * * *", "15 2 * * *", "0 23 * * *"}).Draw(t, "cron"), zones.Draw(t, "zone"), now)
		if err != nil {
			t.Fatal(err)
		}
		first := s.next(now)
		second := s.next(first)
		a, b := first.In(s.zone), second.In(s.zone)
		if days := time.Date(b.Year(), b.Month(), b.Day(), 0, 0, 0, 0, time.UTC).Sub(time.Date(a.Year(), a.Month(), a.Day(), 0, 0, 0, 0, time.UTC)); days != 24*time.Hour {
			t.Fatalf("after %v comes %v", a, b)
		}
	})
}

// TestLawLastIsTheLatest: the latest time that came is one after which none came, and it is found whenever one came.
func TestLawLastIsTheLatest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, now := instants.Draw(t, "base"), instants.Draw(t, "now")
		s, err := parse(crons.Draw(t, "cron"), zones.Draw(t, "zone"), now)
		if err != nil {
			t.Fatal(err)
		}
		last := s.last(base, now)
		if last.IsZero() {
			if next := s.next(base); !next.After(now) {
				t.Fatalf("%v was not found between %v and %v", next, base, now)
			}
			return
		}
		if !last.After(base) || last.After(now) || !s.next(last.Add(-1)).Equal(last) {
			t.Fatalf("%v is no time between %v and %v", last, base, now)
		}
		if next := s.next(last); !next.After(now) {
			t.Fatalf("%v came after %v, before %v", next, last, now)
		}
	})
}
