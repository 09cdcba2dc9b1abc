package main

import (
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testLayout() layout { return layout{dir: "/state", bin: "/cache/bin"} }

func TestEveryConfigFileCanBeFilledIn(t *testing.T) {
	files, err := fs.ReadDir(configFiles, "config")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := render(f.Name(), testLayout().values())
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(string(content), "{{") || len(content) == 0 {
			t.Errorf("%s is empty or holds a placeholder after it was filled in", f.Name())
		}
	}
}

func TestTheFirewallNamesEveryAddressOfTheCluster(t *testing.T) {
	content, err := render("firewall.nft.tmpl", testLayout().values())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{podCIDR, serviceCIDR, bridgeName} {
		if !strings.Contains(string(content), want) {
			t.Errorf("the firewall does not know %s", want)
		}
	}
}

func TestClusterDir(t *testing.T) {
	for set, want := range map[string]string{
		"":                                defaultClusterDir,
		"/srv/cluster":                    "/srv/cluster",
		"/srv/" + strings.Repeat("x", 60): "", // no room for the sockets
		"/":                               "", // down would remove it
	} {
		t.Setenv(clusterDirVariable, set)
		got, err := clusterDir()
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q gives %q, %v; want %q", set, got, err, want)
		}
	}
}

func TestAddressesOfTheClusterAreInItsNetworks(t *testing.T) {
	for address, network := range map[string]string{bridgeIP: podCIDR, firstPodIP: podCIDR, apiServiceIP: serviceCIDR} {
		if !netip.MustParsePrefix(network).Contains(netip.MustParseAddr(address)) {
			t.Errorf("%s is not in %s", address, network)
		}
	}
}

func TestOverlapsCluster(t *testing.T) {
	for network, want := range map[string]bool{
		"10.0.0.0/8": true, "10.244.3.1/24": true, "10.96.0.1/32": true, "192.0.2.2/24": false, "10.95.0.0/16": false, "fd00::2/64": false,
	} {
		if got := overlapsCluster(netip.MustParsePrefix(network)); got != want {
			t.Errorf("%s: %v, want %v", network, got, want)
		}
	}
}

func TestAllPodsWeighWhatAKubeletGivesThem(t *testing.T) {
	folder := t.TempDir()
	if err := weigh(folder, 4); err != nil {
		t.Fatalf("where there are no shares: %v", err)
	}
	file := filepath.Join(folder, "cpu.shares")
	if err := os.WriteFile(file, []byte("1024"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := weigh(folder, 4); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "4096" {
		t.Errorf("%s, %v", got, err)
	}
}
