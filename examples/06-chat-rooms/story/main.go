// Command story plays the chat rooms' story on a cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/examples/story"
)

// The templates: a room whose talk is gone when nobody is there, and one whose talk is kept. Each is also the parameter of its route.
const (
	room = "room"
	kept = "kept-room"
)

// once makes the rooms of one telling its own, so that it can be told again at once.
var once = strconv.FormatInt(time.Now().UnixMilli(), 36)

// kitchen is the name of both rooms that the story is about.
var kitchen = "Küche / 厨房 ☕ " + once

// telling is one telling of the story.
type telling struct {
	ann, bob *talker // who are in the kitchen from the time that it is there
}

func main() {
	t := &telling{}
	story.Tell("chat-rooms", []story.Line{
		{Says: "A look at a room that nobody has made says so, and starts nothing.", Look: look},
		{Says: "To say something in a room that is not there is an error that says so, by HTTP and by WebSocket; nothing is made.", Look: unknown},
		{Says: "Any name makes a room. Who makes it again is handed the one that is there.", Look: made},
		{Says: "Who is there hears what is said, by WebSocket and by HTTP; what was said is there for whoever comes.", Look: t.talk},
		{Says: "The room sleeps, and its clients stay connected; a look does not wake it.", Look: t.sleeps},
		{Says: "One of them speaks: both hear it, from the next process. Its memory is fresh.", Look: t.speaks},
		{Says: "kill -9 of the room: its name works again, with fresh memory, and whoever was connected still is.", Look: t.killed},
		{Says: "A room that is kept still has its talk after it has slept.", Look: keeps},
		{Says: "A room that is closed is not found any more, and to close it again is no error.", Look: t.closed},
	})
}

func ref(s *story.Stage, template, name string) client.Ref {
	return client.Ref{Namespace: s.Namespace, Template: template, Key: name}
}

// at is the path of what a room serves.
func at(template, name, what string) string {
	return "/" + what + "?" + template + "=" + url.QueryEscape(name)
}

// view is what a room answers.
type view struct {
	Room, Epoch string
	Members     int
	Messages    []message
}

// texts are what was said, in order.
func (v view) texts() string {
	var all []string
	for _, m := range v.Messages {
		all = append(all, m.Text)
	}
	return strings.Join(all, ", ")
}

func messages(ctx context.Context, s *story.Stage, template string) (v view, err error) {
	a, err := s.Get(ctx, at(template, kitchen, "messages"))
	if err != nil {
		return v, err
	}
	s.Saw("%s", a)
	return v, a.JSON(&v)
}

func say(ctx context.Context, s *story.Stage, template, from, text string) (v view, err error) {
	a, err := s.Post(ctx, at(template, kitchen, "messages"), fmt.Sprintf(`{"from": %q, "text": %q}`, from, text))
	if err != nil {
		return v, err
	}
	s.Saw("%s", a)
	return v, a.JSON(&v)
}

// nothing fails if a room is there.
func nothing(ctx context.Context, s *story.Stage, template, name string) error {
	_, err := s.API.Get(ctx, ref(s, template, name))
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != http.StatusNotFound {
		return fmt.Errorf("a look at %q: %w, and 404 was expected", name, err)
	}
	s.Saw("a look at %q: %d %s", name, p.Status, p.Reason)
	return nil
}

func look(ctx context.Context, s *story.Stage) error {
	for _, name := range []string{"attic " + once, kitchen} {
		if err := nothing(ctx, s, room, name); err != nil {
			return err
		}
	}
	return nothing(ctx, s, room, "attic "+once)
}

func unknown(ctx context.Context, s *story.Stage) error {
	a, err := s.Ask(ctx, http.MethodPost, at(room, "attic "+once, "messages"), `{"from": "Ann", "text": "anybody there?"}`)
	if err != nil {
		return err
	}
	s.Saw("POST: %s", a)
	if a.Status != http.StatusNotFound || a.Reason == "" {
		return errors.New("404 of the gateway was expected")
	}
	if _, err := enter(ctx, s, "Ann", at(room, "attic "+once, "ws")); err == nil {
		return errors.New("a WebSocket to a room that is not there was opened")
	} else {
		s.Saw("WebSocket: %v", err)
	}
	return nothing(ctx, s, room, "attic "+once)
}

func made(ctx context.Context, s *story.Stage) error {
	for _, template := range []string{room, kept} {
		first, wasMade, err := s.API.Create(ctx, ref(s, template, kitchen), client.Spec{})
		if err != nil {
			return err
		}
		second, madeAgain, err := s.API.Create(ctx, ref(s, template, kitchen), client.Spec{})
		if err != nil {
			return err
		}
		s.Saw("%s %q: made %t as %s, then %t", template, kitchen, wasMade, first.Name, madeAgain)
		if !wasMade || madeAgain || first.UID == "" || second.UID != first.UID {
			return fmt.Errorf("the second is %s, and the first was %s", second.UID, first.UID)
		}
	}
	found, err := s.Session(ctx, room, kitchen)
	if err == nil && found.Epoch != 0 {
		err = errors.New("a process was started, and nobody has come yet")
	}
	return err
}

func (t *telling) talk(ctx context.Context, s *story.Stage) (err error) {
	if t.ann, err = enter(ctx, s, "Ann", at(room, kitchen, "ws")); err != nil {
		return err
	}
	if t.bob, err = enter(ctx, s, "Bob", at(room, kitchen, "ws")); err != nil {
		return err
	}
	if err := t.both(ctx, s, "1", "hello"); err != nil {
		return err
	}
	v, err := say(ctx, s, room, "Cleo", "I have curl only")
	if err != nil {
		return err
	}
	if v.texts() != "hello, I have curl only" {
		return fmt.Errorf("what was said is %s", v.texts())
	}
	for _, one := range []*talker{t.ann, t.bob} {
		if err := one.hears(ctx, message{"Cleo", "I have curl only", "1"}); err != nil {
			return err
		}
	}
	late, err := enter(ctx, s, "Dave", at(room, kitchen, "ws"))
	if err != nil {
		return err
	}
	defer late.leave()
	return late.hears(ctx, message{"Ann", "hello", "1"})
}

// both has Ann say something, and wants both to hear it, from the process of that epoch.
func (t *telling) both(ctx context.Context, s *story.Stage, epoch, text string) error {
	if err := t.ann.says(ctx, text); err != nil {
		return err
	}
	for _, one := range []*talker{t.ann, t.bob} {
		if err := one.hears(ctx, message{"Ann", text, epoch}); err != nil {
			return err
		}
	}
	s.Saw("both hear %q from process %s", text, epoch)
	return nil
}

func (t *telling) sleeps(ctx context.Context, s *story.Stage) error {
	asleep, err := s.Becomes(ctx, room, kitchen, "Asleep")
	if err != nil {
		return err
	}
	err = s.Until(ctx, "its pod is gone", func() (bool, error) {
		pods, err := s.Pods(ctx)
		return !slices.Contains(pods, asleep.Name), err
	})
	if err != nil {
		return err
	}
	again, err := s.Session(ctx, room, kitchen)
	if err != nil {
		return err
	}
	if again.Phase != "Asleep" || again.Epoch != asleep.Epoch {
		return fmt.Errorf("it was looked at, and is %s", again.Phase)
	}
	s.Saw("asleep; %s", story.Exit(again))
	return nil // that they are still connected is seen when one of them speaks, by the same connection
}

func (t *telling) speaks(ctx context.Context, s *story.Stage) error {
	if err := t.both(ctx, s, "2", "still there?"); err != nil {
		return err
	}
	v, err := messages(ctx, s, room)
	if err == nil && (v.texts() != "still there?" || v.Epoch != "2" || v.Members != 2) {
		err = fmt.Errorf("process %s has %d members and has heard %s", v.Epoch, v.Members, v.texts())
	}
	return err
}

func (t *telling) killed(ctx context.Context, s *story.Stage) error {
	found, err := s.API.Wake(ctx, ref(s, room, kitchen), true)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithCancel(ctx) // a request keeps it awake until it is killed
	defer cancel()
	go func() { _, _ = s.Ask(waiting, http.MethodGet, at(room, kitchen, "messages")+"&from=1000", "") }()
	if err := s.Kill(ctx, found, "/chatroom"); err != nil {
		return err
	}
	ended := found.Epoch
	err = s.Until(ctx, "its end is known", func() (bool, error) {
		found, err = s.Session(ctx, room, kitchen)
		return found.LastExit != nil && found.LastExit.Epoch == ended, err
	})
	if err != nil {
		return err
	}
	s.Saw("how it ended: %s", story.Exit(found))
	if err := t.both(ctx, s, strconv.FormatInt(ended+1, 10), "what was that?"); err != nil {
		return err
	}
	v, err := messages(ctx, s, room)
	if err == nil && v.texts() != "what was that?" {
		err = fmt.Errorf("it remembers %s", v.texts())
	}
	return err
}

func keeps(ctx context.Context, s *story.Stage) error {
	if _, err := say(ctx, s, kept, "Ann", "the key is under the mat"); err != nil {
		return err
	}
	if _, err := s.Becomes(ctx, kept, kitchen, "Asleep"); err != nil {
		return err
	}
	v, err := messages(ctx, s, kept)
	if err == nil && (v.texts() != "the key is under the mat" || v.Epoch != "2") {
		err = fmt.Errorf("process %s has %s", v.Epoch, v.texts())
	}
	return err
}

func (t *telling) closed(ctx context.Context, s *story.Stage) error {
	t.ann.leave()
	t.bob.leave()
	for _, template := range []string{room, kept} {
		found, err := s.Session(ctx, template, kitchen)
		if err != nil {
			return err
		}
		for range 2 {
			if _, err := s.Kubectl(ctx, "delete", "session", found.Name, "--ignore-not-found"); err != nil {
				return err
			}
		}
		if err := nothing(ctx, s, template, kitchen); err != nil {
			return err
		}
	}
	return nil
}
