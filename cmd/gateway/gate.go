package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/admission"
)

// reloadKeys is how often the keys of capability tokens are looked for again. A kubelet brings a changed Secret within a minute or two.
const reloadKeys = 10 * time.Second

// defaultCreatesPerClient is how many new keys one address may bring about in a minute without a credential.
const defaultCreatesPerClient = 1_200

// gate is the flags that say who is let in, and how much.
type gate struct {
	capabilityKeys string
	plainCookies   bool
	kubernetes     bool

	maxHeld, maxHeldPerTenant        int
	wakesPerClient, createsPerClient int
}

func (a *gate) register() {
	flag.StringVar(&a.capabilityKeys, "capability-keys", "",
		"folder of the keys of capability tokens, one a file, at least 32 bytes each: the first by name signs, all verify; looked at again every 10s")
	flag.BoolVar(&a.plainCookies, "plain-cookies", false,
		"take capability tokens from URLs and cookies over plain HTTP, where others can read them; for development")
	flag.BoolVar(&a.kubernetes, "kubernetes-tokens", false,
		"ask the API server about tokens of the cluster, for templates with access.kubernetes; needs the right to create tokenreviews and subjectaccessreviews")
	flag.IntVar(&a.maxHeld, "max-held", gateway.DefaultMaxHeld, "how many requests wait for sessions to wake")
	flag.IntVar(&a.maxHeldPerTenant, "max-held-per-tenant", gateway.DefaultMaxHeldPerTenant,
		"how many of them one tenant of a namespace has; those without a tenant share one")
	flag.IntVar(&a.wakesPerClient, "wakes-per-client", admission.DefaultWakesPerClient,
		"how many requests in a minute one address sends to sessions that sleep, without a credential; negative: no bound")
	flag.IntVar(&a.createsPerClient, "creates-per-client", defaultCreatesPerClient,
		"how many sessions in a minute requests from one address bring about, without a credential; 0: no bound")
}

// admit sets what the road needs of them.
func (a *gate) admit(road *gateway.Gateway) {
	road.MaxHeld, road.MaxHeldPerTenant, road.WakesPerClient = a.maxHeld, a.maxHeldPerTenant, a.wakesPerClient
	road.PlainCookies = a.plainCookies
	if a.capabilityKeys != "" {
		road.Capabilities = &access.Keys{}
	}
}

// keys reads the keys, and again whenever they may have changed. Those that cannot be read later leave the ones that were.
func (a *gate) keys(ctx context.Context, to *access.Keys, log *slog.Logger) error {
	if to == nil {
		return nil
	}
	if err := load(a.capabilityKeys, to); err != nil {
		return err
	}
	go func() {
		tick := time.NewTicker(reloadKeys)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := load(a.capabilityKeys, to); err != nil {
					log.Warn("keys of capability tokens left as they are", "error", err)
				}
			}
		}
	}()
	return nil
}

// load reads the files of a folder in the order of their names. Those that begin with a dot are the kubelet's.
func load(folder string, to *access.Keys) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("read keys of capability tokens: %w", err)
	}
	var keys [][]byte
	for _, f := range files {
		if strings.HasPrefix(f.Name(), ".") {
			continue
		}
		key, err := os.ReadFile(filepath.Join(folder, f.Name())) //nolint:gosec // the folder is the operator's to choose
		if err != nil {
			return fmt.Errorf("read key of capability tokens: %w", err)
		}
		keys = append(keys, bytes.TrimRight(key, "\r\n"))
	}
	return to.Set(keys)
}
