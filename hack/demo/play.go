package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// player tells the story: it makes the requests, and remembers what the acts have seen.
type player struct {
	*demo
	client *http.Client
	url    string // of the gateways
	key    string // of the table that the story is about: a new one each time
	last   answer // of that table
	lastAt time.Time
}

// act is one turn of the story. It fails unless everything is as its title says.
type act struct {
	title string
	play  func(context.Context, *player) error
	look  []string // kubectl commands that show what went wrong; KEY stands for the table's key
}

const (
	lookSession  = "describe session " + template + ".KEY -n " + games
	lookPods     = "get pods -n " + games
	lookOperator = "logs -n " + system + " --tail=50 -l app.kubernetes.io/component=operator"
	lookGateway  = "logs -n " + system + " --tail=50 -l app.kubernetes.io/component=gateway"
)

var acts = []act{
	{
		"A first request for a new table: its Session is made, a pod starts, and the pod answers", wake,
		[]string{lookSession, lookPods, lookOperator, lookGateway},
	},
	{
		"More requests, by path, host and header: the same pod answers, in milliseconds", serve,
		[]string{lookSession, lookGateway},
	},
	{
		"200 requests at once for another new table: one pod, all answered", crowd,
		[]string{"get sessions -n " + games, lookOperator, lookGateway},
	},
	{
		"Nobody asks for the first table any more: it is saved, and its pod goes", sleep,
		[]string{lookSession, lookPods, lookOperator, "get leases -n " + system + " -o yaml"},
	},
	{
		"The next request: a new pod, the next epoch, and the state is back", wakeAgain,
		[]string{lookSession, lookOperator, "logs -n " + games + " " + template + ".KEY"},
	},
	{
		"kill -9 of the pod's process: the next request is answered by a new epoch", crash,
		[]string{lookSession, lookPods, lookOperator, lookGateway},
	},
	{
		"A key that the template rejects: 404, and nothing is left behind", reject,
		[]string{"get sessions -n " + games, lookGateway},
	},
}

// play plays all acts, on what install has left.
func play(ctx context.Context, d *demo) error {
	if err := d.connect(ctx); err != nil {
		return err
	}
	gateway, err := d.gateway(ctx)
	if err != nil {
		return err
	}
	p := &player{demo: d, client: newClient(), url: gateway, key: "t" + strconv.FormatInt(time.Now().Unix(), 36)}
	for i, a := range acts {
		fmt.Printf("\n%d. %s\n", i+1, a.title)
		if err := a.play(ctx, p); err != nil {
			return p.explain(i+1, a, err)
		}
		if err := p.showSessions(ctx); err != nil {
			return err
		}
	}
	return p.farewell()
}

func (p *player) say(format string, args ...any) { fmt.Printf("   "+format+"\n", args...) }

func (p *player) showSessions(ctx context.Context) error {
	text, err := p.kube(ctx, "get", "sessions", "-n", "games")
	if err != nil {
		return err
	}
	p.say("$ kubectl get sessions -n games")
	for line := range strings.Lines(text) {
		fmt.Print("   " + line)
	}
	return nil
}

// explain says which act was not as told, and what to look at.
func (p *player) explain(number int, a act, err error) error {
	var look []string
	for _, l := range a.look {
		look = append(look, strings.ReplaceAll(l, "KEY", p.key))
	}
	return fmt.Errorf("step %d was not as told: %s\n  %w\nAll is left running. Where to look:\n%s", number, a.title, err, p.hints(look...))
}

func (p *player) farewell() error {
	examples, err := p.catalogue()
	if err != nil {
		return err
	}
	fmt.Printf(`
All of it was as told, and is left running. Go on:

  curl %[1]s/chess/%[2]s/
  curl -X POST -d '{"from":"e2","to":"e4"}' %[1]s/chess/mytable/move
  curl -H 'Host: mytable.chess.example.com' %[1]s/

  export KUBECONFIG=%[3]s
  export PATH=%[4]s:$PATH
  kubectl get sessions -n %[5]s -w
  kubectl describe session %[6]s.%[2]s -n %[5]s
  kubectl get sessiontemplates -A

That was the first of these examples. make examples plays those that have a story, and go run ./hack/demo examples NAME one of them:

%[7]s
make demo-down removes everything.
`, p.url, p.key, p.kubeconfig, filepath.Dir(p.kubectl), games, template, examples)
	return nil
}
