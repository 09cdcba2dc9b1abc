// Command next prints the lifecycle of a session as a table, or what is done in one situation and how it goes on from there.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/lifecycle"
)

func main() {
	session := flag.String("session", "", "situation of the Session, such as \"draining, touched\"")
	pod := flag.String("pod", "none", "situation of its pod, such as \"running\"")
	flag.Usage = usage
	flag.Parse()
	if err := run(*session, *pod); err != nil {
		fmt.Fprintln(os.Stderr, "next:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: next                                   print the machine\n"+
		"       next -session \"awake, idle\" -pod running   answer one what-if and play it to its end")
	flag.PrintDefaults()
}

func run(session, pod string) error {
	if session == "" {
		return lifecycle.Print(os.Stdout)
	}
	o, err := lifecycle.Situate(session, pod)
	if err != nil {
		return err
	}
	world := lifecycle.World{Observation: o}
	played, rest := world.Play(100)
	fmt.Printf("%10s  %-60s %s\n", "AT", "DO, REPORT, REASON, SAYS, RECHECK", "RULE")
	for _, p := range played {
		fmt.Printf("%10v  %-60s %s\n", p.At, strings.ReplaceAll(p.Step.String(), "\t", "  "), p.Rule)
	}
	if !rest {
		return fmt.Errorf("no rest after %d turns", len(played))
	}
	return nil
}
