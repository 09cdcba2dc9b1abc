package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/examples/story"
)

func tournament(ctx context.Context, s *story.Stage) error {
	var tables []string
	for i := range 8 {
		tables = append(tables, fmt.Sprintf("cup%d-%s", i+1, once))
	}
	if _, err := s.Ask(ctx, http.MethodGet, "/lobby/main/", ""); err != nil { // it is awake when it is asked
		return err
	}
	begins := time.Now().Add(8 * time.Second).UTC().Truncate(time.Second)
	if err := wish(ctx, s, map[string]any{"game": nim, "begins": begins}, tables...); err != nil {
		return err
	}
	found, err := s.Session(ctx, nim, tables[0])
	if err != nil {
		return err
	}
	if found.Epoch != 0 && time.Now().Before(begins) {
		return errors.New("a table has had a process before its time")
	}
	for _, key := range tables {
		if err := woken(ctx, s, key, begins); err != nil {
			return err
		}
	}
	s.Saw("it began at %s", begins.Format(http.TimeFormat))
	return drawn(ctx, s, len(tables))
}

// drawn wants each of so many tables to have its first move in the database.
func drawn(ctx context.Context, s *story.Stage, tables int) error {
	rows, err := sql(ctx, s, fmt.Sprintf(`SELECT count(*), string_agg(moves[1], ' ') FROM tables WHERE key LIKE 'cup%%-%s' AND cardinality(moves) = 1`, once))
	if err != nil {
		return err
	}
	s.Saw("tables, and the first moves that were drawn: %s", rows)
	if !strings.HasPrefix(rows, fmt.Sprint(tables, "|")) {
		return errors.New("each of the tables was to have its first move drawn")
	}
	return nil
}

// woken waits until a table has been woken by its alarm, and by nothing else, and sleeps.
func woken(ctx context.Context, s *story.Stage, key string, begins time.Time) error {
	found, err := s.Becomes(ctx, nim, key, "Asleep")
	if err != nil {
		return err
	}
	if found.Epoch != 1 || found.LastAlarm == nil || !found.LastAlarm.Equal(begins) || found.Activity == nil || found.Activity.Source != "alarm" {
		return fmt.Errorf("table %s has had %d processes, and not for its alarm", key, found.Epoch)
	}
	return nil
}
