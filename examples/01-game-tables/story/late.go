package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dormouse-dev/dormouse/examples/story"
)

// lateWriter has a twin of the table's first process go on while the table sleeps and wakes.
func lateWriter(ctx context.Context, s *story.Stage) error {
	if _, err := move(ctx, s, nim, late, "a1"); err != nil {
		return err
	}
	twin, err := twinOf(ctx, s, late)
	if err != nil {
		return err
	}
	said, err := twin.call(ctx, s, "move", "a2")
	if err != nil {
		return err
	}
	s.Saw("the twin plays on: %s", said)
	if err := second(ctx, s); err != nil {
		return err
	}
	if err := refused(ctx, s, twin); err != nil {
		return err
	}
	if _, err := s.Becomes(ctx, nim, late, "Asleep"); err != nil {
		return err
	}
	if _, err := s.Kubectl(ctx, "delete", "pod", string(twin), "--wait=false"); err != nil {
		return err
	}
	return kept(ctx, s, late, "a1 b1")
}

// refused has the twin save what it has, and wants that to be refused.
func refused(ctx context.Context, s *story.Stage, t twin) error {
	said, err := t.call(ctx, s, "save", "")
	if err == nil {
		return fmt.Errorf("the twin has saved what it has: %s", said)
	}
	why, err := s.Kubectl(ctx, "logs", string(t), "--tail=1")
	s.Saw("the twin saves: %s", why)
	if err == nil && !strings.Contains(why, "a later process has taken this table over") {
		err = errors.New("it was to be refused")
	}
	return err
}

// second lets the table sleep, and has its second process take it over.
func second(ctx context.Context, s *story.Stage) error {
	if _, err := s.Becomes(ctx, nim, late, "Asleep"); err != nil {
		return err
	}
	v, err := move(ctx, s, nim, late, "b1")
	if err == nil && v.Epoch != 2 {
		err = fmt.Errorf("process %d has answered", v.Epoch)
	}
	return err
}

// twin is the name of a pod like that of a session, of which Dormouse knows nothing: what a node that is cut off would keep.
type twin string

func twinOf(ctx context.Context, s *story.Stage, key string) (twin, error) {
	found, err := s.Session(ctx, nim, key)
	if err != nil {
		return "", err
	}
	name := "twin-" + once
	_, err = s.Kubectl(ctx, "debug", found.Name, "--copy-to="+name, "--container=table", "--profile=restricted", "--", "/table", "-game="+nim)
	if err != nil {
		return "", err
	}
	_, err = s.Kubectl(ctx, "wait", "pod", name, "--for=condition=Ready", "--timeout=60s")
	return twin(name), err
}

// call has the API server ask the twin, for no route leads to it.
func (t twin) call(ctx context.Context, s *story.Stage, what, body string) (string, error) {
	return s.Tell(ctx, body, "create", "--raw", "/api/v1/namespaces/"+s.Namespace+"/pods/"+string(t)+":8080/proxy/"+what, "-f", "-")
}
