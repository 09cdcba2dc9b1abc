package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// session is what the demo reads of a Session.
type session struct {
	Status struct {
		Phase    string `json:"phase"`
		Epoch    int64  `json:"epoch"`
		LastExit *struct {
			Reason string `json:"reason"`
			Code   *int32 `json:"code"`
		} `json:"lastExit"`
	} `json:"status"`
}

// exit says how the last pod of a session has ended.
func (s session) exit() string {
	e := s.Status.LastExit
	if e == nil {
		return "not recorded"
	}
	if e.Code == nil {
		return e.Reason
	}
	return fmt.Sprintf("%s, exit code %d", e.Reason, *e.Code)
}

// kube runs kubectl.
func (d *demo) kube(ctx context.Context, args ...string) (string, error) {
	return d.run(ctx, "kubectl "+args[0], d.kubectl, args...)
}

// session reads the Session of a table.
func (d *demo) session(ctx context.Context, key string) (s session, err error) {
	text, err := d.kube(ctx, "get", "session", template+"."+key, "-n", games, "-o", "json")
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("read the Session of %s: %w", key, err)
	}
	return s, nil
}

// podExists tells whether a pod with that UID is there.
func (d *demo) podExists(ctx context.Context, uid string) (bool, error) {
	uids, err := d.kube(ctx, "get", "pods", "-n", games, "-o", "jsonpath={.items[*].metadata.uid}")
	return strings.Contains(uids, uid), err
}

// killScript ends every process of the session that is called $1 with kill -9, prints their numbers, and returns when
// they are gone.
const killScript = `for e in /proc/[0-9]*/environ; do
	grep -qzx "SESSION_KEY=$1" "$e" 2>/dev/null || continue
	pid=${e#/proc/} pid=${pid%/environ}
	kill -9 "$pid" && echo "$pid"
	while [ -d "/proc/$pid" ]; do sleep 0.01; done
done`

// killProcess kills the process of a table behind Kubernetes' back, and returns its number.
func (d *demo) killProcess(ctx context.Context, key string) (pid string, err error) {
	node, err := d.kube(ctx, "get", "pod", template+"."+key, "-n", games, "-o", "jsonpath={.spec.nodeName}")
	if err != nil {
		return "", err
	}
	provider, err := d.kube(ctx, "get", "node", node, "-o", "jsonpath={.spec.providerID}")
	if err != nil {
		return "", err
	}
	shell := []string{"sh", "-c", killScript, "sh", key}
	if strings.HasPrefix(provider, "kind://") { // its nodes are Docker containers
		shell = append([]string{"docker", "exec", node}, shell...)
	}
	out, err := d.run(ctx, "killing the process of "+key, shell[0], shell[1:]...)
	if err != nil {
		return "", err
	}
	pids := strings.Fields(out)
	if len(pids) != 1 {
		return "", fmt.Errorf("%d processes have SESSION_KEY=%s, want 1", len(pids), key)
	}
	return pids[0], nil
}

// gatewayAddresses are where the gateways' node port may be reached from here: at the node, or, where the node is a
// container of a virtual machine, at a port of loopback that kind forwards.
func (d *demo) gatewayAddresses(ctx context.Context) ([]string, error) {
	port, err := d.kube(ctx, "get", "service", release+"-gateway", "-n", system, "-o", "jsonpath={.spec.ports[0].nodePort}")
	if err != nil {
		return nil, err
	}
	ip, err := d.kube(ctx, "get", "nodes", "-o", `jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}`)
	if err != nil {
		return nil, err
	}
	return []string{"http://" + ip + ":" + port, "http://127.0.0.1:" + port}, nil
}

// gateway is the URL at which a gateway answers.
func (d *demo) gateway(ctx context.Context) (string, error) {
	addresses, err := d.gatewayAddresses(ctx)
	if err != nil {
		return "", err
	}
	url, err := findGateway(ctx, addresses)
	if err != nil {
		return "", fmt.Errorf("%w\nWhere to look:\n%s", err, d.hints("get pods,services -n "+system, lookGateway))
	}
	return url, nil
}
