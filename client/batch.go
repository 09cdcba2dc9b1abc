package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// CreateAll makes the sessions of a template in one request, at most MaxBatch, and gives a result for each, in their order. What it says is
// stored, is. If it fails, nobody knows which are: send the same again, and it makes those that are missing.
func (c *Client) CreateAll(ctx context.Context, namespace, template string, all []Line) ([]Result, error) {
	var body bytes.Buffer
	for i := range all {
		line, err := json.Marshal(&all[i])
		if err != nil {
			return nil, fmt.Errorf("write line %d: %w", i+1, err)
		}
		body.Write(append(line, '\n'))
	}
	res, err := c.send(ctx, http.MethodPost, Ref{Namespace: namespace, Template: template}.sessions(), "application/x-ndjson", &body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var results []Result
	for d := json.NewDecoder(res.Body); ; {
		var r Result
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return results, fmt.Errorf("read the results: %w", err)
		}
		results = append(results, r)
	}
	if len(results) < len(all) {
		return results, fmt.Errorf("read the results: %w", io.ErrUnexpectedEOF)
	}
	return results, nil
}
