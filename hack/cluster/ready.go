package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// patience is how long a component, or the node, may take. On a quiet machine each needs seconds.
const patience = 2 * time.Minute

// poll asks until there is no error; the last error is the answer when the time is over.
func poll(ctx context.Context, limit time.Duration, ask func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		var hopeless hopelessError
		if errors.As(err, &hopeless) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// hopelessError ends a poll: asking again will not help.
type hopelessError struct{ error }

// client returns an HTTP client that is the administrator.
func (l layout) client() (*http.Client, error) {
	cert, err := tls.LoadX509KeyPair(l.Path("certs/admin.crt"), l.Path("certs/admin.key"))
	if err != nil {
		return nil, fmt.Errorf("read the administrator's certificate: %w", err)
	}
	ca, err := os.ReadFile(l.Path("certs/ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}}},
	}, nil
}

// get returns the body of a 200, and an error for everything else.
func get(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, response.Status)
	}
	return body, err
}

// works asks a component once whether it does its work.
func (l layout) works(ctx context.Context, client *http.Client, c component) error {
	if c.probe == "" {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", l.ContainerdSocket())
		if err != nil {
			return err
		}
		return conn.Close()
	}
	_, err := get(ctx, client, c.probe)
	return err
}

// await returns when a component works, or soon with the end of its log when it has died.
func (l layout) await(ctx context.Context, client *http.Client, c component) error {
	err := poll(ctx, patience, func(ctx context.Context) error {
		if !l.recorded(c.name).alive() {
			return hopelessError{errors.New("it has ended")}
		}
		return l.works(ctx, client, c)
	})
	if err != nil {
		return fmt.Errorf("%s does not work: %w\n%s", c.name, err, logTail(l.logFile(c.name)))
	}
	return nil
}

// nodeReady asks once whether pods can be created: the node is Ready, and the default service account is there.
func nodeReady(ctx context.Context, client *http.Client) error {
	body, err := get(ctx, client, loopback("https", apiPort, "/api/v1/nodes/"+nodeName))
	if err != nil {
		return err
	}
	var node struct {
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := json.Unmarshal(body, &node); err != nil {
		return fmt.Errorf("read the node: %w", err)
	}
	reason := errors.New("the node has no Ready condition yet")
	for _, c := range node.Status.Conditions {
		if c.Type == "Ready" && c.Status == "True" {
			_, err := get(ctx, client, loopback("https", apiPort, "/api/v1/namespaces/default/serviceaccounts/default"))
			return err
		}
		if c.Type == "Ready" {
			reason = fmt.Errorf("the node is not Ready: %s", c.Message)
		}
	}
	return reason
}
