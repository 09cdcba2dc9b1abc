package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// Names and addresses of the local cluster. Pods and Services use addresses that firewall.nft keeps on this machine.
const (
	nodeName      = "dormouse"
	bridgeName    = "dormouse0"
	bridgeIP      = "10.244.0.1" // also the node's address, the API server's for pods, and the DNS server's
	bridgeMAC     = "02:d0:00:00:00:01"
	podCIDR       = "10.244.0.0/16"
	firstPodIP    = "10.244.0.10"
	serviceCIDR   = "10.96.0.0/16"
	apiServiceIP  = "10.96.0.1" // the first address of serviceCIDR goes to the Service "kubernetes"
	clusterDomain = "cluster.local"
	cgroupName    = "dormouse"
	firewallTable = "dormouse"
	cutTable      = "dormouse-cut"
	cniPlugins    = "/usr/lib/cni" // where Debian's containernetworking-plugins puts them
	pauseImage    = "localhost/dormouse/pause:dev"
)

// Ports of the local cluster, all on loopback or the bridge except the API server's, which the firewall guards.
const (
	apiPort           = 16443
	etcdPort          = 16379
	etcdPeerPort      = 16380
	controllerPort    = 16257
	schedulerPort     = 16259
	kubeletPort       = 10250 // what clients of the kubelet's own API expect
	kubeletHealthPort = 16248
	proxyHealthPort   = 16256
	proxyMetricsPort  = 16249
	dnsReadyPort      = 16181
)

// The state folder. A Unix socket's path has at most 108 bytes, of which the components take up to 60.
const (
	defaultClusterDir  = "/var/lib/dormouse-cluster"
	clusterDirVariable = "DORMOUSE_CLUSTER_DIR"
	longestFolder      = 48 // bytes
)

//go:embed config
var configFiles embed.FS

// layout is where the files of one local cluster are.
type layout struct {
	dir string // the state folder, removed by down
	bin string // the binaries, in the cache
}

// clusterDir returns the state folder, absolute.
func clusterDir() (string, error) {
	dir := os.Getenv(clusterDirVariable)
	if dir == "" {
		return defaultClusterDir, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", clusterDirVariable, err)
	}
	if len(dir) > longestFolder || dir == "/" {
		return "", fmt.Errorf("%s=%s cannot be used: take a folder of its own, with a path of %d bytes at most, "+
			"because Unix sockets lie in it", clusterDirVariable, dir, longestFolder)
	}
	return dir, nil
}

// Path returns a path below the state folder.
func (l layout) Path(name string) string { return filepath.Join(l.dir, name) }

// Binary returns the path of a built binary.
func (l layout) Binary(name string) string { return filepath.Join(l.bin, name) }

// ContainerdSocket returns the path of the socket that the kubelet talks to.
func (l layout) ContainerdSocket() string { return l.Path("run/containerd.sock") }

func (l layout) auditLog() string        { return l.Path("logs/audit.log") }
func (l layout) adminKubeconfig() string { return l.Path("config/admin.kubeconfig") }
func (l layout) logFile(c string) string { return l.Path("logs/" + c + ".log") }

// values are what the files in config/ may name.
type values struct {
	layout
	Node, Bridge, BridgeIP, PodCIDR, FirstPodIP, ServiceCIDR, ClusterDomain string
	Cgroup, FirewallTable, CNIPlugins, PauseImage                           string
	APIPort, KubeletPort, KubeletHealthPort                                 int
	ProxyHealthPort, ProxyMetricsPort, DNSReadyPort                         int
	Server, User, CA, Cert, Key                                             string // of a kubeconfig, the last three in base64
}

func (l layout) values() values {
	return values{
		layout: l, Node: nodeName, Bridge: bridgeName, BridgeIP: bridgeIP, PodCIDR: podCIDR, FirstPodIP: firstPodIP,
		ServiceCIDR: serviceCIDR, ClusterDomain: clusterDomain, Cgroup: cgroupName, FirewallTable: firewallTable,
		CNIPlugins: cniPlugins, PauseImage: pauseImage, APIPort: apiPort, KubeletPort: kubeletPort,
		KubeletHealthPort: kubeletHealthPort, ProxyHealthPort: proxyHealthPort, ProxyMetricsPort: proxyMetricsPort,
		DNSReadyPort: dnsReadyPort,
	}
}

// render fills in a file of config/.
func render(name string, v values) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").ParseFS(configFiles, "config/"+name)
	if err != nil {
		return nil, fmt.Errorf("read the template %s: %w", name, err)
	}
	var buf bytes.Buffer
	if err := t.Execute(&buf, v); err != nil {
		return nil, fmt.Errorf("fill in the template %s: %w", name, err)
	}
	return buf.Bytes(), nil
}

// folders of the state folder that must exist before anything starts.
var folders = []string{"config/cni", "logs", "run", "containerd", "kubelet/volume-plugins", "pod-logs", "cni"}

// writeConfig writes every configuration file; files that are there are replaced, so a newer command repairs an older cluster.
func (l layout) writeConfig() error {
	for _, f := range folders {
		if err := os.MkdirAll(l.Path(f), 0o755); err != nil {
			return fmt.Errorf("create the folder of the cluster: %w", err)
		}
	}
	if err := os.MkdirAll(l.Path("etcd"), 0o700); err != nil {
		return fmt.Errorf("create the folder of etcd: %w", err)
	}
	files := map[string]string{
		"audit-policy.yaml": "audit-policy.yaml", "kubelet.yaml": "kubelet.yaml.tmpl",
		"containerd.toml": "containerd.toml.tmpl", "cni/10-dormouse.conflist": "cni.conflist.tmpl",
		"kube-proxy.yaml": "kube-proxy.yaml.tmpl", "Corefile": "Corefile.tmpl",
		"firewall.nft": "firewall.nft.tmpl", "coredns-rbac.yaml": "coredns-rbac.yaml",
	}
	for to, from := range files {
		content, err := render(from, l.values())
		if err != nil {
			return err
		}
		if err := writeFile(l.Path("config/"+to), content, 0o644); err != nil {
			return err
		}
	}
	return writeFile(l.Path("config/resolv.conf"), []byte("# pods ask the cluster's DNS server only\n"), 0o644)
}

// writeFile replaces a file in one step: after a kill there is the old content or the new, never half of it.
func writeFile(path string, content []byte, mode os.FileMode) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
