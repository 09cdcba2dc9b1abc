// Command story plays the greeter's story on a cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/examples/story"
)

const template = "greeter"

// once makes the names of one telling its own, so that it can be told again at once.
var once = strconv.FormatInt(time.Now().UnixMilli(), 36)

// zoe is the name that the story is about.
var zoe = "Zoë Müller-" + once

// telling is one telling of the story.
type telling struct {
	left map[string]int // greetings of each name's greeter that are left
}

func main() {
	t := &telling{left: map[string]int{}}
	story.Tell("greeter", []story.Line{
		{Says: "Any name has a greeter of its own: with spaces, umlauts, emoji, slashes, quotes, or a kilobyte long.", Look: t.anyName},
		{Says: "Names that look alike are not the same one.", Look: t.alike},
		{Says: "The same name again, while its greeter runs: the same greeter answers.", Look: t.again},
		{Says: "What is no name is refused, and nothing is made for it.", Look: noName},
		{Says: "kill -9 in the midst of its work: the next greeter is started at once, though nobody asks.", Look: t.killed},
		{Says: "A greeter that has done its work ends by itself, and is not started again.", Look: t.ends},
		{Says: "How it ended, and its last words, can be read when it is gone.", Look: lastWords},
		{Says: "Who asks for that name later gets a new greeter.", Look: t.later},
		{Says: "When all have done their work, nothing is left of any name: no pod, no Session.", Look: t.nothingLeft},
	})
}

// greeting is what a greeter answers.
type greeting struct {
	Says, Name, Epoch, Pod string
	Left                   int
}

func (t *telling) greet(ctx context.Context, s *story.Stage, name string) (g greeting, err error) {
	a, err := s.Get(ctx, "/?greet="+url.QueryEscape(name))
	if err != nil {
		return g, err
	}
	if err := a.JSON(&g); err != nil {
		return g, err
	}
	s.Saw("%-40s greeter %s, in %.0f ms", story.Short(g.Says), g.Epoch, a.Took.Seconds()*1000)
	if g.Name != name || g.Says != "Hello, "+name+"!" {
		return g, fmt.Errorf("the greeter of %q greets %q: %s", name, g.Name, g.Says)
	}
	t.left[name] = g.Left
	return g, nil
}

func (t *telling) anyName(ctx context.Context, s *story.Stage) error {
	kilobyte := strings.Repeat("é", (1024-len(once))/2)
	pods := map[string]bool{}
	names := []string{zoe, "李小龙 🐉 " + once, "../a/b//" + once, `Robert'); DROP TABLE "names"; -- ` + once, kilobyte + once}
	for _, name := range names {
		g, err := t.greet(ctx, s, name)
		if err != nil {
			return err
		}
		pods[g.Pod] = true
	}
	if len(pods) != len(names) {
		return fmt.Errorf("%d names have %d greeters", len(names), len(pods))
	}
	return nil
}

func (t *telling) alike(ctx context.Context, s *story.Stage) error {
	one, err := t.greet(ctx, s, "Ana "+once)
	if err != nil {
		return err
	}
	for _, name := range []string{"ana " + once, "Ana  " + once, "Ana " + once + "."} {
		other, err := t.greet(ctx, s, name)
		if err != nil {
			return err
		}
		if other.Pod == one.Pod {
			return fmt.Errorf("one greeter has the names %q and %q", one.Name, other.Name)
		}
	}
	return nil
}

func (t *telling) again(ctx context.Context, s *story.Stage) error {
	g, err := t.greet(ctx, s, zoe)
	if err == nil && (g.Epoch != "1" || g.Left != 1) {
		err = fmt.Errorf("this is greeter %s of %s, with %d greetings left, and not the one that greeted before", g.Epoch, zoe, g.Left)
	}
	return err
}

func noName(ctx context.Context, s *story.Stage) error {
	before, err := s.Count(ctx, "sessions")
	if err != nil {
		return err
	}
	for what, query := range map[string]string{
		"nothing": "", "1,025 bytes": strings.Repeat("a", 1025), "not UTF-8": "%FF", "a line break": "a%0Ab", "two names": "a&greet=b",
	} {
		a, err := s.Ask(ctx, http.MethodGet, "/?greet="+query, "")
		if err != nil {
			return err
		}
		s.Saw("%-12s %d %s", what+":", a.Status, a.Reason)
		if a.Status != http.StatusBadRequest && a.Status != http.StatusNotFound || a.Reason == "" {
			return fmt.Errorf("a refusal of the gateway was expected: %s", a)
		}
	}
	after, err := s.Count(ctx, "sessions")
	if err == nil && after > before { // those of an earlier telling may go meanwhile
		err = fmt.Errorf("there were %d Sessions, and now there are %d", before, after)
	}
	return err
}

func (t *telling) killed(ctx context.Context, s *story.Stage) error {
	name := "Lazarus-" + once
	if _, err := t.greet(ctx, s, name); err != nil {
		return err
	}
	found, err := s.Session(ctx, template, name)
	if err != nil {
		return err
	}
	if err := s.Kill(ctx, found, "/greeter"); err != nil {
		return err
	}
	err = s.Until(ctx, "the second greeter of "+name+" is there", func() (bool, error) {
		found, err = s.Session(ctx, template, name)
		return found.Epoch == 2 && found.Phase == "Awake", err
	})
	if err != nil {
		return err
	}
	s.Saw("how the first one ended: %s", story.Exit(found))
	g, err := t.greet(ctx, s, name)
	if err == nil && (g.Epoch != "2" || g.Left != 2) {
		err = errors.New("this is not the second greeter's first greeting")
	}
	return err
}

func (t *telling) ends(ctx context.Context, s *story.Stage) error {
	g, err := t.greet(ctx, s, zoe)
	if err != nil {
		return err
	}
	if g.Left != 0 {
		return fmt.Errorf("this was to be the last greeting, and %d are left", g.Left)
	}
	found, err := s.Becomes(ctx, template, zoe, "Asleep")
	if err != nil {
		return err
	}
	if found.Epoch != 1 || found.LastExit == nil || found.LastExit.Code == nil || *found.LastExit.Code != 0 {
		return fmt.Errorf("it is asleep after %s", story.Exit(found))
	}
	s.Saw("asleep; the next greeter would be number %d", found.Epoch+1)
	return nil
}

func lastWords(ctx context.Context, s *story.Stage) error {
	found, err := s.Session(ctx, template, zoe)
	if err != nil {
		return err
	}
	s.Saw("%s", story.Exit(found))
	if found.LastExit == nil || found.LastExit.Message != "Goodbye, "+zoe+"!" {
		return fmt.Errorf("its last words are not known: the phase is %s", found.Phase)
	}
	return nil
}

func (t *telling) later(ctx context.Context, s *story.Stage) error {
	g, err := t.greet(ctx, s, zoe)
	if err == nil && (g.Epoch != "2" || g.Left != 2) {
		err = errors.New("this is not the second greeter's first greeting")
	}
	return err
}

// nothingLeft has all greeters do their work, and waits until the last Session is gone, which outlives its pod.
func (t *telling) nothingLeft(ctx context.Context, s *story.Stage) error {
	for name, left := range t.left {
		for ; left > 0; left-- {
			if _, err := s.Get(ctx, "/?greet="+url.QueryEscape(name)); err != nil {
				return err
			}
		}
	}
	for name := range t.left {
		if _, err := s.Becomes(ctx, template, name, "none"); err != nil {
			return err
		}
	}
	s.Saw("of %d names, nothing", len(t.left))
	return nil
}
