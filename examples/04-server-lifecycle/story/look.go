package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/examples/story"
)

// large is what most orders say.
const large = `{"size": "large", "packages": 4}`

// order orders a server.
func order(ctx context.Context, s *story.Stage, name, what string) error {
	_, made, err := s.API.Create(ctx, client.Ref{Namespace: s.Namespace, Template: "server", Key: name}, client.Spec{Input: &what})
	if err == nil && !made {
		err = fmt.Errorf("server %s was there already", name)
	}
	s.Saw("order %s: %s", name, what)
	return err
}

// session is what kubectl shows of a Session.
type session struct {
	Metadata struct {
		CreationTimestamp time.Time
	}
	Spec struct {
		Template string
	}
	Status struct {
		Phase      string
		WaitingFor string
		LastExit   exit
		History    []exit // the latest first
		OnDelete   []struct{ Name, State string }
	}
}

// exit is how a process of it ended.
type exit struct {
	Epoch           int64
	Reason, Message string
	Code            *int32
	EndTime         time.Time
}

func (o session) made() time.Time  { return o.Metadata.CreationTimestamp }
func (o session) ended() time.Time { return o.Status.LastExit.EndTime }

func clock(t time.Time) string { return t.Format(time.TimeOnly) }

func (e exit) String() string {
	code := "no code"
	if e.Code != nil {
		code = fmt.Sprintf("exit code %d", *e.Code)
	}
	return fmt.Sprintf("epoch %d: %s, %s %s", e.Epoch, e.Reason, code, story.Short(e.Message))
}

// sessions are those of a server, by their templates.
func sessions(ctx context.Context, s *story.Stage, name string) (map[string]session, error) {
	text, err := s.Kubectl(ctx, "get", "sessions", "-o", "json", "--field-selector=spec.key="+name)
	if err != nil {
		return nil, err
	}
	var list struct{ Items []session }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("read the sessions of %s: %w", name, err)
	}
	all := map[string]session{}
	for _, o := range list.Items {
		all[o.Spec.Template] = o
	}
	return all, nil
}

// becomes waits until a server's Session has one of these reasons, and says which. An API server that does not answer in time is asked again.
func becomes(ctx context.Context, s *story.Stage, name string, reasons ...string) (string, error) {
	var found client.Session
	err := s.Until(ctx, name+" is "+strings.Join(reasons, " or "), func() (so bool, err error) {
		found, err = s.Session(ctx, "server", name)
		var p *client.Problem
		if errors.As(err, &p) && p.Status == http.StatusServiceUnavailable {
			return false, nil
		}
		return slices.Contains(reasons, found.Reason), err
	})
	if err != nil {
		err = fmt.Errorf("%w; it is %s, and waits for %s", err, found.Reason, found.WaitingFor)
	}
	return found.Reason, err
}

// ready waits until a server is made and configured, and returns its sessions.
func ready(ctx context.Context, s *story.Stage, name string) (map[string]session, error) {
	reason, err := becomes(ctx, s, name, "Completed", "StartedFailed", "GaveUp")
	if err == nil && reason != "Completed" {
		err = fmt.Errorf("%s has failed: %s", name, reason)
	}
	if err != nil {
		return nil, err
	}
	return sessions(ctx, s, name)
}

// showed wants an exit code of a step on record, and words with it.
func showed(s *story.Stage, all map[string]session, step string, code int32, words string) error {
	o := all[step]
	i := slices.IndexFunc(o.Status.History, func(e exit) bool { return e.Code != nil && *e.Code == code && strings.Contains(e.Message, words) })
	if i < 0 {
		return fmt.Errorf("%s did not end with code %d and %q: %v", step, code, words, o.Status.History)
	}
	s.Saw("%s, %s", step, o.Status.History[i])
	return nil
}

// podsOf are the pods of a server's sessions.
func podsOf(ctx context.Context, s *story.Stage, name string) ([]string, error) {
	all, err := s.Pods(ctx)
	return slices.DeleteFunc(all, func(pod string) bool { return !strings.HasSuffix(pod, "."+name) }), err
}

// thing is a machine or a record of the cloud.
type thing struct {
	ID, Size, State string
	Packages        int
}

func (t thing) String() string {
	if t.Size == "" {
		return t.ID + " " + t.State
	}
	return fmt.Sprintf("%s %s, %s, %d packages", t.ID, t.State, t.Size, t.Packages)
}

// cloudHas are the machines or records that the cloud ever had of a server. It is asked by way of the API server, which reaches each Service.
func cloudHas(ctx context.Context, s *story.Stage, kind, name string) (all []thing, err error) {
	text, err := s.Kubectl(ctx, "get", "--raw", "/api/v1/namespaces/"+s.Namespace+"/services/cloud:http/proxy/"+kind+"?server="+name)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("read the %s of %s: %w", kind, name, err)
	}
	return all, nil
}

// one wants one machine and one record of a server, and no other to have ever been there.
func one(ctx context.Context, s *story.Stage, name, size string, packages int) error {
	machines, err := cloudHas(ctx, s, "machines", name)
	if err != nil {
		return err
	}
	records, err := cloudHas(ctx, s, "records", name)
	if err != nil {
		return err
	}
	s.Saw("the cloud has of %s: %v, %v", name, machines, records)
	switch {
	case len(machines) != 1 || len(records) != 1:
		return fmt.Errorf("%d machines and %d records were made", len(machines), len(records))
	case machines[0].State != "running" || machines[0].Size != size || machines[0].Packages != packages:
		return fmt.Errorf("a %s machine with %d packages was expected", size, packages)
	case records[0].State != "known":
		return fmt.Errorf("the record is %s", records[0].State)
	}
	return nil
}

// gone waits until nothing is left of a server.
func gone(ctx context.Context, s *story.Stage, name string) error {
	err := s.Until(ctx, "no Session of "+name+" is left, and no pod", func() (bool, error) {
		all, err := sessions(ctx, s, name)
		if err != nil || len(all) > 0 {
			return false, err
		}
		pods, err := podsOf(ctx, s, name)
		return len(pods) == 0, err
	})
	if err != nil {
		return err
	}
	for _, kind := range []string{"machines", "records"} {
		all, err := cloudHas(ctx, s, kind, name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(t thing) bool { return t.State != "destroyed" }) {
			return fmt.Errorf("%s are left of %s: %v", kind, name, all)
		}
	}
	return nil
}
