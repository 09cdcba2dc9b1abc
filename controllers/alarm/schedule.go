package alarm

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

// everyHour is the bit by which a parsed field says that it was a star.
const everyHour = 1 << 63

// fields of a schedule: no seconds, and no words such as @daily.
var fields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// schedule is a sequence of times without an end.
type schedule struct {
	cron *cron.SpecSchedule
	zone *time.Location
}

// parse reads a schedule of five fields in a time zone by its IANA name, or UTC. One that never comes is an error too.
func parse(text, zone string, now time.Time) (*schedule, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("timeZone: %w", err)
	}
	parsed, err := fields.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	s := &schedule{cron: parsed.(*cron.SpecSchedule), zone: location}
	if s.next(now).IsZero() {
		return nil, fmt.Errorf("schedule: %q never comes within five years", text)
	}
	return s, nil
}

// next is the first time after t; zero: never. Where the hour is a star, it is hours that go by which count. Else it is
// what a clock on the wall shows: a time that it skips comes when it has jumped, and one that it shows twice comes once.
func (s *schedule) next(t time.Time) time.Time {
	if s.cron.Hour&everyHour != 0 {
		return s.in(s.zone).Next(t.In(s.zone))
	}
	for shown := s.in(time.UTC).Next(onWall(t, s.zone)); !shown.IsZero(); shown = s.in(time.UTC).Next(shown) {
		if at := firstShown(shown, s.zone); at.After(t) {
			return at
		}
	}
	return time.Time{}
}

func (s *schedule) in(zone *time.Location) *cron.SpecSchedule {
	c := *s.cron
	c.Location = zone
	return &c
}

// onWall is what a clock in a zone shows at t, as if it were UTC.
func onWall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// firstShown is when a clock in a zone first shows that time or a later one. time.Date alone does not say which it takes of two.
func firstShown(shown time.Time, zone *time.Location) time.Time {
	at := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), shown.Nanosecond(), zone)
	begin, end := at.ZoneBounds()
	if !begin.IsZero() {
		_, before := begin.Add(-1).Zone()
		if earlier := shown.Add(-time.Duration(before) * time.Second); earlier.Before(begin) {
			return earlier // the clock was set back over it
		}
	}
	switch reads := onWall(at, zone); {
	case reads.After(shown):
		return begin // the clock was set forward over it
	case reads.Before(shown):
		return end
	}
	return at
}
