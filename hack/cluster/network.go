package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// networkUp makes the firewall, and only then the bridge that pods will hang on. It may be run again at any time.
func (l layout) networkUp(ctx context.Context) error {
	if err := addressesFree(); err != nil {
		return err
	}
	if _, err := run(ctx, "nft", "-f", l.Path("config/firewall.nft")); err != nil {
		return fmt.Errorf("keep the cluster's addresses on this machine: %w", err)
	}
	if _, err := os.Stat("/sys/class/net/" + bridgeName); err != nil {
		if _, err := run(ctx, "ip", "link", "add", bridgeName, "type", "bridge"); err != nil {
			return fmt.Errorf("create the bridge: %w", err)
		}
	}
	for _, args := range [][]string{
		{"link", "set", bridgeName, "address", bridgeMAC, "alias", l.dir, "up"},
		{"addr", "replace", bridgeIP + "/16", "dev", bridgeName},
		// Even with kube-proxy dead a Service's address leads to the bridge, not to the default route.
		{"route", "replace", serviceCIDR, "dev", bridgeName, "src", bridgeIP},
	} {
		if _, err := run(ctx, "ip", args...); err != nil {
			return fmt.Errorf("set up the bridge: %w", err)
		}
	}
	return nil
}

// notOfAnother refuses to touch the machine if the cluster on it lies in another folder: bridge, firewall and cgroup
// have one name each. The bridge's alias says whose they are.
func (l layout) notOfAnother() error {
	alias, err := os.ReadFile("/sys/class/net/" + bridgeName + "/ifalias")
	owner := strings.TrimSpace(string(alias))
	if err != nil || owner == "" || owner == l.dir {
		return nil
	}
	return fmt.Errorf("this machine has a cluster in %s: set %s=%s to use it, or to bring it down first",
		owner, clusterDirVariable, owner)
}

// networkDown removes what hangs on the bridge, the bridge, then kube-proxy's tables, and the firewall last. What is not there is no error.
func (l layout) networkDown(ctx context.Context) error {
	if err := unplug(ctx); err != nil {
		return err
	}
	if _, err := os.Stat("/sys/class/net/" + bridgeName); err == nil {
		if _, err := run(ctx, "ip", "link", "delete", bridgeName); err != nil {
			return fmt.Errorf("remove the bridge: %w", err)
		}
	}
	for _, table := range [][]string{{"ip", "kube-proxy"}, {"ip6", "kube-proxy"}, {"inet", cutTable}, {"inet", firewallTable}} {
		if _, err := run(ctx, "nft", "list", "table", table[0], table[1]); err != nil {
			continue
		}
		if _, err := run(ctx, "nft", "delete", "table", table[0], table[1]); err != nil {
			return fmt.Errorf("remove a table of nftables: %w", err)
		}
	}
	return nil
}

// unplug removes the links of pods. Most went with their pod's network, but that outlives a killed process for as long as the kernel
// still tries to deliver what the process had sent: minutes, where nobody answers any more.
func unplug(ctx context.Context) error {
	links, _ := filepath.Glob("/sys/class/net/" + bridgeName + "/brif/*") // the pattern is sound
	for _, link := range links {
		if _, err := run(ctx, "ip", "link", "delete", filepath.Base(link)); err != nil {
			if _, gone := os.Lstat(link); gone == nil {
				return fmt.Errorf("remove the link of a pod: %w", err)
			}
		}
	}
	return nil
}

// addressesFree refuses a machine that uses our addresses for something else.
func addressesFree() error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list the network interfaces: %w", err)
	}
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil || i.Name == bridgeName {
			continue
		}
		for _, a := range addresses {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil && overlapsCluster(prefix) {
				return fmt.Errorf("the interface %s has the address %s, and the cluster needs %s and %s: remove it, or use CLUSTER=kind",
					i.Name, a, podCIDR, serviceCIDR)
			}
		}
	}
	return nil
}

func overlapsCluster(p netip.Prefix) bool {
	return p.Overlaps(netip.MustParsePrefix(podCIDR)) || p.Overlaps(netip.MustParsePrefix(serviceCIDR))
}
