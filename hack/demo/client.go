package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/hack/progress"
)

// table is what the service answers.
type table struct {
	Key        string            `json:"key"`
	Epoch      int64             `json:"epoch"`
	Pod        string            `json:"pod"` // its UID
	Moves      []json.RawMessage `json:"moves"`
	LoadedFrom string            `json:"loadedFrom"`
}

// answer is what came back for one request.
type answer struct {
	table
	status int
	body   string
	reason string // the gateway's, where it answered itself
	took   time.Duration
}

func (a answer) String() string {
	if a.status != http.StatusOK {
		return fmt.Sprintf("%d in %s %s: %s", a.status, ms(a.took), a.reason, strings.TrimSpace(a.body))
	}
	return fmt.Sprintf("%d in %s, from pod %.8s, epoch %d, moves so far: %d, loaded from %s",
		a.status, ms(a.took), a.Pod, a.Epoch, len(a.Moves), a.LoadedFrom)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// newClient opens a connection for each request, so that the requests are spread over the gateways.
func newClient() *http.Client {
	return &http.Client{Timeout: 90 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}

// request makes one request. A status that is not 200 is an answer, and no error.
func (p *player) request(ctx context.Context, method, path, body string, change func(*http.Request)) (a answer, err error) {
	request, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		return a, fmt.Errorf("make a request: %w", err)
	}
	if change != nil {
		change(request)
	}
	began := time.Now()
	response, err := p.client.Do(request)
	if err != nil {
		return a, fmt.Errorf("request after %s: %w", ms(time.Since(began)), err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	a = answer{status: response.StatusCode, body: string(content), took: time.Since(began), reason: response.Header.Get("Dormouse-Reason")}
	if err != nil || a.status != http.StatusOK || a.reason != "" {
		return a, err
	}
	if err := json.Unmarshal(content, &a.table); err != nil {
		return a, fmt.Errorf("%s %s answers no table: %w: %s", method, path, err, content)
	}
	return a, nil
}

// get asks for the table of a key, and fails unless the table answers.
func (p *player) get(ctx context.Context, key string) (answer, error) {
	return p.served(key)(p.request(ctx, http.MethodGet, "/chess/"+key+"/", "", nil))
}

// served turns an answer that is not from the table of a key into an error.
func (p *player) served(key string) func(answer, error) (answer, error) {
	return func(a answer, err error) (answer, error) {
		if err == nil && (a.status != http.StatusOK || a.Key != key) {
			err = fmt.Errorf("table %s was asked for, and the answer is %s", key, a)
		}
		return a, err
	}
}

// findGateway returns the first address at which something speaks HTTP.
func findGateway(ctx context.Context, addresses []string) (string, error) {
	defer progress.Of(func() string { return "waiting for a gateway at " + strings.Join(addresses, " or ") })()
	client := &http.Client{Timeout: 2 * time.Second}
	var last error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, address := range addresses {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/", nil)
			if err != nil {
				return "", fmt.Errorf("make a request: %w", err)
			}
			response, err := client.Do(request)
			if err == nil {
				return address, response.Body.Close()
			}
			last = err
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
	}
	return "", fmt.Errorf("no gateway answers at %s: %w", strings.Join(addresses, " or "), last)
}

// spread says how durations lie: the fastest, the median, the slowest.
func spread(durations []time.Duration) string {
	sorted := slices.Sorted(slices.Values(durations))
	return fmt.Sprintf("fastest %s, median %s, slowest %s", ms(sorted[0]), ms(sorted[len(sorted)/2]), ms(sorted[len(sorted)-1]))
}
