// Command story plays the life of servers on a cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/examples/story"
)

// once makes the servers of one telling its own, so that it can be told again at once.
var once = strconv.FormatInt(time.Now().UnixMilli(), 36)

// The servers. The first word of a name is what goes wrong with it: the cloud knows it.
var (
	plain    = "plain-" + once
	wrong    = "wrong-" + once
	quota    = "quota-" + once
	mute     = "mute-" + once
	lost     = "lost-" + once
	killed   = "mute-killed-" + once
	hungry   = "hungry-" + once
	slow     = "slow-" + once
	headless = "slow-headless-" + once
)

func main() {
	story.Tell("servers", []story.Line{
		{Says: "An order makes a server: its machine and its DNS record side by side, and when both are there, its configuration.", Look: made},
		{Says: "An order that nobody can fill fails at once, and nothing is made for it.", Look: refused},
		{Says: "The quota has no room for a large machine: a small one is made in its place.", Look: smaller},
		{Says: "The cloud does not answer in time: somebody looks whether the machine was made after all, and makes it only if it was not.", Look: unanswered},
		{Says: "kill -9 in the midst of a call: the next process asks again, and there is one machine.", Look: crashed},
		{Says: "The configuration takes more memory than it may: it is done by a process that may take more.", Look: outOfMemory},
		{Says: "While a DNS record spreads, its server waits, and no process does.", Look: spreads},
		{Says: "Every change of state is on record: who followed whom and when, and how each process ended.", Look: recorded},
		{Says: "The operator is killed as soon as a server is ordered, and again when its machine and record are begun: the next one goes on.", Look: begunLeaderless},
		{Says: "It is killed while the record is awaited, and while the server is configured: the server is made all the same, and once.", Look: endedLeaderless},
		{Says: "A server is destroyed by steps too, and the operator is killed in their midst: machine and record side by side, then all traces.", Look: destroyed},
		{Says: "Its name is free: who orders it again gets another server.", Look: again},
		{Says: "When all are destroyed, nothing is left of any: no Session, no process, no machine, no record.", Look: nothingLeft},
	})
}

func made(ctx context.Context, s *story.Stage) error {
	if err := order(ctx, s, plain, large); err != nil {
		return err
	}
	all, err := ready(ctx, s, plain)
	if err != nil {
		return err
	}
	machine, record, configure := all["machine"], all["record"], all["configure"]
	s.Saw("machine from %s to %s, record from %s to %s, configure from %s on",
		clock(machine.made()), clock(machine.ended()), clock(record.made()), clock(record.ended()), clock(configure.made()))
	const together = time.Second // times are in whole seconds, and the cloud takes two for a machine
	switch {
	case machine.made().Sub(record.made()).Abs() > together:
		return errors.New("machine and record were not made side by side")
	case configure.made().Before(machine.ended()) || configure.made().Before(record.ended()):
		return errors.New("the configuration did not wait for both")
	}
	return one(ctx, s, plain, "large", 4)
}

func refused(ctx context.Context, s *story.Stage) error {
	if err := order(ctx, s, wrong, `{"size": "huge"}`); err != nil {
		return err
	}
	if _, err := becomes(ctx, s, wrong, "GaveUp"); err != nil {
		return err
	}
	all, err := sessions(ctx, s, wrong)
	if err != nil {
		return err
	}
	s.Saw("server, %s", all["server"].Status.LastExit)
	if len(all) != 1 {
		err = fmt.Errorf("there are %d sessions of that name", len(all))
	}
	return err
}

func smaller(ctx context.Context, s *story.Stage) error {
	if err := order(ctx, s, quota, large); err != nil {
		return err
	}
	all, err := ready(ctx, s, quota)
	if err != nil {
		return err
	}
	if err := showed(s, all, "machine", 11, "no room"); err != nil {
		return err
	}
	if err := showed(s, all, "small-machine", 0, "small"); err != nil {
		return err
	}
	return one(ctx, s, quota, "small", 4)
}

func unanswered(ctx context.Context, s *story.Stage) error {
	both := []struct{ name, found string }{{mute, "it was made after all"}, {lost, "it was not made, and is now"}}
	for _, o := range both {
		if err := order(ctx, s, o.name, large); err != nil {
			return err
		}
	}
	for _, o := range both {
		all, err := ready(ctx, s, o.name)
		if err != nil {
			return err
		}
		if err := showed(s, all, "machine", 12, "did not answer in time"); err != nil {
			return err
		}
		if err := showed(s, all, "find-machine", 0, o.found); err != nil {
			return err
		}
		if err := one(ctx, s, o.name, "large", 4); err != nil {
			return err
		}
	}
	return nil
}

func crashed(ctx context.Context, s *story.Stage) error {
	if err := order(ctx, s, killed, large); err != nil {
		return err
	}
	err := s.Until(ctx, "the cloud has a machine that nobody knows of", func() (bool, error) {
		all, err := cloudHas(ctx, s, "machines", killed)
		return len(all) > 0, err
	})
	if err != nil {
		return err
	}
	if err := s.Kill(ctx, client.Session{Name: "machine." + killed}, "/worker"); err != nil {
		return err
	}
	all, err := ready(ctx, s, killed)
	if err != nil {
		return err
	}
	if err := showed(s, all, "machine", 137, ""); err != nil {
		return err
	}
	if err := showed(s, all, "machine", 0, "large"); err != nil {
		return err
	}
	return one(ctx, s, killed, "large", 4)
}

func outOfMemory(ctx context.Context, s *story.Stage) error {
	if err := order(ctx, s, hungry, `{"size": "large", "packages": 64}`); err != nil {
		return err
	}
	all, err := ready(ctx, s, hungry)
	if err != nil {
		return err
	}
	if err := showed(s, all, "configure", 137, ""); err != nil {
		return err
	}
	if reason := all["configure"].Status.LastExit.Reason; reason != "OOMKilled" {
		return fmt.Errorf("the first configuration has ended for another reason: %s", reason)
	}
	if err := showed(s, all, "configure-large", 0, "64 packages"); err != nil {
		return err
	}
	return one(ctx, s, hungry, "large", 64)
}

func spreads(ctx context.Context, s *story.Stage) error {
	if err := order(ctx, s, slow, large); err != nil {
		return err
	}
	err := s.Until(ctx, "nothing is left to do but to wait", func() (bool, error) { return waits(ctx, s, slow) })
	if err != nil {
		return err
	}
	all, err := ready(ctx, s, slow)
	if err != nil {
		return err
	}
	if err := showed(s, all, "record", 13, "spreading"); err != nil {
		return err
	}
	if err := showed(s, all, "record", 0, "known to all"); err != nil {
		return err
	}
	return one(ctx, s, slow, "large", 4)
}

// waits says whether the machine of a server is there, its record is not known yet, and no process runs for it.
func waits(ctx context.Context, s *story.Stage, name string) (bool, error) {
	all, err := sessions(ctx, s, name)
	if err != nil || all["machine"].Status.Phase != "Completed" || all["record"].Status.Phase != "Asleep" {
		return false, err
	}
	pods, err := podsOf(ctx, s, name)
	if err != nil || len(pods) > 0 {
		return false, err
	}
	s.Saw("record: Asleep, until %s; pods of %s: none", all["record"].Status.WaitingFor, name)
	return true, nil
}

func again(ctx context.Context, s *story.Stage) error {
	if err := order(ctx, s, headless, `{"size": "small", "packages": 2}`); err != nil {
		return err
	}
	if _, err := ready(ctx, s, headless); err != nil {
		return err
	}
	machines, err := cloudHas(ctx, s, "machines", headless)
	if err != nil {
		return err
	}
	s.Saw("machines of %s: %v", headless, machines)
	if len(machines) != 2 || machines[0].State != "destroyed" || machines[1].State != "running" || machines[1].Packages != 2 {
		return errors.New("a machine that is gone and another that runs were expected")
	}
	return nil
}

// nothingLeft destroys all servers, each by its name, and looks for what is left of them.
func nothingLeft(ctx context.Context, s *story.Stage) error {
	all := []string{plain, wrong, quota, mute, lost, killed, hungry, slow, headless}
	for _, name := range all {
		if _, err := s.Kubectl(ctx, "delete", "sessions", "--wait=false", "--field-selector=spec.key="+name); err != nil {
			return err
		}
	}
	for _, name := range all {
		if err := gone(ctx, s, name); err != nil {
			return err
		}
	}
	s.Saw("of %d servers, nothing: %s", len(all), strings.Join(all, ", "))
	return nil
}
