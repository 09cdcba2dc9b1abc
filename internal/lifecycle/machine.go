package lifecycle

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Situate is the typical observation with each of the named situations of Sessions and Pods, in the order given.
func Situate(session, pod string) (Observation, error) {
	o := Typical()
	for _, want := range []struct {
		name string
		from []Situation
	}{{session, Sessions}, {pod, Pods}} {
		set, err := find(want.name, want.from)
		if err != nil {
			return o, err
		}
		set(&o)
	}
	return o, nil
}

func find(name string, from []Situation) (func(o *Observation), error) {
	var known []string
	for _, s := range from {
		if s.Name == name {
			return s.Set, nil
		}
		known = append(known, s.Name)
	}
	return nil, fmt.Errorf("no situation %q: choose from %q", name, known)
}

// Print writes the whole machine as a table: what is done in each situation of a Session with each of its pod.
func Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SESSION\tPOD\tDO\tREPORT\tREASON\tSAYS\tRECHECK\tRULE")
	for _, s := range Sessions {
		for _, p := range Pods {
			o := Typical()
			s.Set(&o)
			p.Set(&o)
			step, rule := Explain(o)
			fmt.Fprintln(table, strings.Join([]string{s.Name, p.Name, step.String(), rule}, "\t"))
		}
	}
	return table.Flush()
}

// String is the step as five columns of the machine's table: verb, phase, reason, what it waits for or why it is up, recheck.
func (s Step) String() string {
	recheck := "-"
	if s.Recheck > 0 {
		recheck = s.Recheck.String()
	}
	verb := string(s.Verb)
	if s.Forced {
		verb += " by force"
	}
	if s.Settle {
		verb += ", settle"
	}
	return strings.Join([]string{verb, orDash(string(s.Phase)), orDash(string(s.Reason)), s.says(), recheck}, "\t")
}

// says is what is said besides, in a word or two.
func (s Step) says() string {
	switch {
	case s.Awaits != "":
		return "awaits " + string(s.Awaits)
	case s.Kept != "":
		return "kept: " + string(s.Kept)
	}
	return "-"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
