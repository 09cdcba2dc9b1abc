package main

import (
	"context"
	"fmt"
)

// cut drops every packet between the API server and the node, with all its pods, silently: as a broken network does.
// Whoever asks the API server on loopback, as control loops and administrators do, goes on.
func (c localCluster) cut(ctx context.Context) error {
	script := fmt.Sprintf(`add table inet %[1]s
		add chain inet %[1]s there { type filter hook input priority -20; }
		add chain inet %[1]s back { type filter hook output priority -20; }
		flush table inet %[1]s
		add rule inet %[1]s there ip daddr %[2]s tcp dport %[3]d drop
		add rule inet %[1]s back ip saddr %[2]s tcp sport %[3]d drop`, cutTable, bridgeIP, apiPort)
	if _, err := run(ctx, "nft", script); err != nil {
		return fmt.Errorf("cut the node off: %w", err)
	}
	return nil
}

// mend undoes it. It is no error if there is nothing to undo.
func (c localCluster) mend(ctx context.Context) error {
	if _, err := run(ctx, "nft", fmt.Sprintf("add table inet %[1]s; delete table inet %[1]s", cutTable)); err != nil {
		return fmt.Errorf("mend the node's network: %w", err)
	}
	return nil
}
