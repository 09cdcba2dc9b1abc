package main

import (
	"fmt"
	"slices"
)

// component is a process of the cluster, named like its binary.
type component struct {
	name  string
	args  func(l layout) []string
	probe string // a URL that answers 200 when it works; empty means that its socket is dialled
}

// components in the order in which they start. The kubelet comes last: the node is Ready only when it can run pods.
var components = []component{
	{"etcd", etcdArgs, loopback("https", etcdPort, "/health")},
	{"kube-apiserver", apiserverArgs, loopback("https", apiPort, "/readyz")},
	{"kube-controller-manager", controllerArgs, loopback("https", controllerPort, "/healthz")},
	{"kube-scheduler", schedulerArgs, loopback("https", schedulerPort, "/readyz")},
	{"containerd", containerdArgs, ""},
	{"kube-proxy", proxyArgs, loopback("http", proxyHealthPort, "/healthz")},
	{"coredns", dnsArgs, loopback("http", dnsReadyPort, "/ready")},
	{"kubelet", kubeletArgs, loopback("http", kubeletHealthPort, "/healthz")},
}

// loopback returns a URL of this machine.
func loopback(scheme string, port int, path string) string {
	return fmt.Sprintf("%s://127.0.0.1:%d%s", scheme, port, path)
}

func findComponent(name string) (component, error) {
	i := slices.IndexFunc(components, func(c component) bool { return c.name == name })
	if i < 0 {
		return component{}, fmt.Errorf("no component %q; there are %v", name, componentNames())
	}
	return components[i], nil
}

func componentNames() []string {
	var names []string
	for _, c := range components {
		names = append(names, c.name)
	}
	return names
}

// serving returns the flags with which most of Kubernetes names its serving certificate.
func serving(l layout, name string) []string {
	return []string{"--tls-cert-file=" + l.Path("certs/"+name+".crt"), "--tls-private-key-file=" + l.Path("certs/"+name+".key")}
}

func etcdArgs(l layout) []string {
	client := fmt.Sprintf("https://127.0.0.1:%d", etcdPort)
	peer := fmt.Sprintf("https://127.0.0.1:%d", etcdPeerPort)
	args := []string{
		"--name=" + nodeName, "--data-dir=" + l.Path("etcd"),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=" + nodeName + "=" + peer,
		"--client-cert-auth", "--peer-client-cert-auth", "--logger=zap", "--log-level=warn",
		"--unsafe-no-fsync", // only a crash of the machine would lose writes; envtest does so too
	}
	for _, prefix := range []string{"--", "--peer-"} {
		args = append(args,
			prefix+"cert-file="+l.Path("certs/etcd.crt"), prefix+"key-file="+l.Path("certs/etcd.key"),
			prefix+"trusted-ca-file="+l.Path("certs/ca.crt"))
	}
	return args
}

func apiserverArgs(l layout) []string {
	return append(serving(l, "apiserver"),
		"--advertise-address="+bridgeIP,
		fmt.Sprintf("--secure-port=%d", apiPort),
		fmt.Sprintf("--etcd-servers=https://127.0.0.1:%d", etcdPort),
		"--etcd-cafile="+l.Path("certs/ca.crt"),
		"--etcd-certfile="+l.Path("certs/etcd.crt"), "--etcd-keyfile="+l.Path("certs/etcd.key"),
		"--client-ca-file="+l.Path("certs/ca.crt"),
		"--service-cluster-ip-range="+serviceCIDR,
		"--kubelet-certificate-authority="+l.Path("certs/ca.crt"),
		"--kubelet-client-certificate="+l.Path("certs/apiserver-to-kubelet.crt"),
		"--kubelet-client-key="+l.Path("certs/apiserver-to-kubelet.key"),
		"--kubelet-preferred-address-types=InternalIP",
		// Aggregated API servers learn from this whom to believe; there is none, but the control loops ask for it.
		"--requestheader-client-ca-file="+l.Path("certs/ca.crt"), "--requestheader-allowed-names=front-proxy",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+l.Path("certs/front-proxy.crt"),
		"--proxy-client-key-file="+l.Path("certs/front-proxy.key"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--service-account-issuer=https://kubernetes.default.svc."+clusterDomain,
		"--service-account-key-file="+l.Path("certs/service-accounts.pub"),
		"--service-account-signing-key-file="+l.Path("certs/service-accounts.key"),
		"--audit-policy-file="+l.Path("config/audit-policy.yaml"),
		"--audit-log-path="+l.auditLog(),
		"--audit-log-maxsize=500", "--audit-log-maxbackup=4", // megabytes, files
	)
}

func controllerArgs(l layout) []string {
	return append(append(serving(l, "kube-controller-manager"), controlLoop(l, "kube-controller-manager", controllerPort)...),
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+l.Path("certs/service-accounts.key"),
		"--root-ca-file="+l.Path("certs/ca.crt"),
		"--cluster-cidr="+podCIDR, "--service-cluster-ip-range="+serviceCIDR,
		"--allocate-node-cidrs=false",
		"--flex-volume-plugin-dir="+l.Path("kubelet/volume-plugins"),
	)
}

func schedulerArgs(l layout) []string {
	return append(serving(l, "kube-scheduler"), controlLoop(l, "kube-scheduler", schedulerPort)...)
}

// controlLoop returns the flags that the controller manager and the scheduler share. There is one of each, so none elects a leader.
func controlLoop(l layout, name string, port int) []string {
	kubeconfig := l.Path("config/" + name + ".kubeconfig")
	return []string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--leader-elect=false",
		"--kube-api-qps=500", "--kube-api-burst=1000",
	}
}

func containerdArgs(l layout) []string {
	return []string{"--config=" + l.Path("config/containerd.toml")}
}

func proxyArgs(l layout) []string {
	return []string{"--config=" + l.Path("config/kube-proxy.yaml")}
}

func dnsArgs(l layout) []string {
	return []string{"-conf=" + l.Path("config/Corefile")}
}

func kubeletArgs(l layout) []string {
	return []string{
		"--config=" + l.Path("config/kubelet.yaml"),
		"--kubeconfig=" + l.Path("config/kubelet.kubeconfig"),
		"--root-dir=" + l.Path("kubelet"),
		"--cert-dir=" + l.Path("kubelet/pki"),
		"--hostname-override=" + nodeName,
		"--node-ip=" + bridgeIP,
	}
}
