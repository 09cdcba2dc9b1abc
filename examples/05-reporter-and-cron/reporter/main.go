// Command reporter is all processes of this example, each by its argument: work that may die, tell that reports how it died, mailbox
// that the report goes to, and cron that has work done at its times.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
)

// lastWordsFile is a file of every pod. What is in it is a part of how the container ended, as status.lastExit.message.
const lastWordsFile = "/dev/termination-log"

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	parts := map[string]func(context.Context) error{"work": work, "tell": tell, "mailbox": serveMailbox, "cron": cron}
	if len(os.Args) != 2 || parts[os.Args[1]] == nil {
		log.Fatal("usage: reporter work|tell|mailbox|cron")
	}
	if err := parts[os.Args[1]](ctx); err != nil {
		stop()
		log.Fatalf("%s: %v", os.Args[1], err)
	}
}

// readInput reads what the session was given.
func readInput(into any) error {
	text, err := os.ReadFile(os.Getenv("SESSION_INPUT")) //nolint:gosec // the path is Dormouse's
	if err != nil {
		return fmt.Errorf("read the input: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read the input: %w", err)
	}
	return nil
}

// lastWords are what is known of this process when it has ended.
func lastWords(format string, args ...any) error {
	return os.WriteFile(lastWordsFile, fmt.Appendf(nil, format, args...), 0o600)
}
