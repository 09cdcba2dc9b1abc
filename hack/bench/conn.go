package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// conn is a client's connection to a server under test, as bare as can be.
type conn struct {
	net.Conn
	in *bufio.Reader
}

func dial(ctx context.Context, address string) (*conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReaderSize(c, 1<<10)}, c.SetDeadline(time.Now().Add(patience))
}

// get makes a request and reads its answer, which must be 200.
func (c *conn) get(host string) error {
	if err := c.ask(host); err != nil {
		return err
	}
	return c.answer()
}

func (c *conn) ask(host string) error {
	_, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
	return err
}

func (c *conn) answer() error {
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, body)
	}
	return err
}

// together has so many clients do something at once, and adds up how often they did it and how long that took.
func together(ctx context.Context, clients int, do func(took *[]time.Duration) error) (tally, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	took, failed := make([][]time.Duration, clients), make([]error, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() { failed[i] = do(&took[i]) })
	}
	all.Wait()
	if err := errors.Join(append(failed, ctx.Err())...); err != nil {
		return tally{}, err
	}
	sum := slices.Sorted(slices.Values(slices.Concat(took...)))
	if len(sum) == 0 {
		return tally{}, nil
	}
	return tally{len(sum), quantile(sum, 0.5)}, nil
}

// crowd is connections that are open at once.
type crowd []*conn

// gather opens so many, and does something over each.
func gather(ctx context.Context, address string, n int, do func(i int, c *conn) error) (crowd, error) {
	var all crowd
	for i := range n {
		c, err := dial(ctx, address)
		if err != nil {
			all.leave()
			return nil, err
		}
		all = append(all, c)
		if err := do(i, c); err != nil {
			all.leave()
			return nil, err
		}
	}
	return all, nil
}

func (all crowd) leave() {
	for _, c := range all {
		_ = c.Close()
	}
}

// answers reads the answer of each. What it gives waits for the last one, and says when that came.
func (all crowd) answers(ctx context.Context) (last func() (time.Time, error)) {
	turn := make(chan *conn, len(all))
	for _, c := range all {
		turn <- c
	}
	var at time.Time
	over := make(chan error, 1)
	go func() {
		_, err := together(ctx, len(all), func(*[]time.Duration) error { return (<-turn).answer() })
		at = time.Now()
		over <- err
	}()
	return func() (time.Time, error) {
		err := <-over
		return at, err
	}
}
