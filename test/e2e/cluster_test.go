package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// cluster is the way to the cluster, and what runs on it. What is exported is found out once, and told to each process.
type cluster struct {
	Root   string // of the repository
	Folder string // for what is built
	Tool   string // the program of hack/cluster
	Audit  string // the API server's audit log
	Image  string // of the workload

	Kubectl, Kubeconfig string
	api                 client.WithWatch

	Node   string
	Shell  []string       // runs a command on the node
	HostIP string         // of this machine, for pods
	Kills  map[string]int // how often a test has killed a container, by pod
}

// openCluster brings everything up: the cluster, Dormouse, and the workload's image.
func openCluster(ctx context.Context) *cluster {
	GinkgoHelper()
	folder, err := os.MkdirTemp("", "dormouse-e2e-*")
	Expect(err).NotTo(HaveOccurred())
	c := &cluster{Folder: folder, Tool: filepath.Join(folder, "cluster")}
	c.Root = filepath.Dir(strings.TrimSpace(c.run(ctx, "go", "env", "GOMOD")))
	By("starting the cluster, if it does not run, and installing Dormouse")
	c.run(ctx, "go", "build", "-o", c.Tool, "./hack/cluster")
	if os.Getenv("E2E_INSTALL") == "skip" {
		c.run(ctx, c.Tool, "up")
	} else {
		c.run(ctx, "go", "run", "./hack/demo", "install")
	}
	c.Kubeconfig = strings.TrimSpace(c.run(ctx, c.Tool, "kubeconfig"))
	c.Kubectl = strings.TrimSpace(c.run(ctx, c.Tool, "path", "kubectl"))
	c.Audit = regexp.MustCompile(`(?m)^audit log\s+(\S+)$`).FindStringSubmatch(c.run(ctx, c.Tool, "status"))[1]
	c.api = c.connect()
	By("building the workload")
	c.Image = c.loadWorkload(ctx)
	c.findNode(ctx)
	return c
}

// run runs a program in the repository and returns what it printed. All that it says is in the verbose report, at once.
func (c *cluster) run(ctx context.Context, program string, args ...string) string {
	GinkgoHelper()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = c.Root
	cmd.Env = append(os.Environ(), "KUBECACHEDIR="+c.Folder)
	if c.Kubeconfig != "" {
		cmd.Env = append(cmd.Env, "KUBECONFIG="+c.Kubeconfig)
	}
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, GinkgoWriter), io.MultiWriter(&complaints, GinkgoWriter)
	Expect(cmd.Run()).To(Succeed(), "%s %s\n%s%s", filepath.Base(program), strings.Join(args, " "), out.String(), complaints.String())
	return out.String()
}

func (c *cluster) connect() client.WithWatch {
	GinkgoHelper()
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	Expect(err).NotTo(HaveOccurred())
	config.QPS = -1
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	api, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return api
}

// loadWorkload puts the workload's image on the node and returns its name. Another program gives another name.
func (c *cluster) loadWorkload(ctx context.Context) string {
	GinkgoHelper()
	binary := filepath.Join(c.Folder, "workload")
	c.run(ctx, "env", "CGO_ENABLED=0", "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, "./test/e2e/workload")
	return c.load(ctx, binary)
}

// load puts a program onto the node, as an image, and returns its name. Another program gives another name.
func (c *cluster) load(ctx context.Context, binary string, flags ...string) string {
	GinkgoHelper()
	content, err := os.ReadFile(binary)
	Expect(err).NotTo(HaveOccurred())
	name := fmt.Sprintf("localhost/dormouse/%s:%.6x", filepath.Base(binary), sha256.Sum256(content))
	c.run(ctx, "go", append([]string{"-C", "hack/image", "run", ".", "-o", binary + ".tar", "-name", name, "-binary", binary}, flags...)...)
	c.run(ctx, c.Tool, "load-image", binary+".tar")
	return name
}

// findNode finds the way onto the node, and the address by which its pods reach this process.
func (c *cluster) findNode(ctx context.Context) {
	GinkgoHelper()
	var nodes corev1.NodeList
	Expect(c.api.List(ctx, &nodes)).To(Succeed())
	Expect(nodes.Items).To(HaveLen(1))
	node := nodes.Items[0]
	c.Node = node.Name
	if strings.HasPrefix(node.Spec.ProviderID, "kind://") { // its nodes are Docker containers
		c.Shell = []string{"docker", "exec", node.Name}
	}
	for _, a := range node.Status.Addresses {
		if a.Type != corev1.NodeInternalIP {
			continue
		}
		conn, err := net.Dial("udp", net.JoinHostPort(a.Address, "9")) // nothing is sent: only the route is asked for
		Expect(err).NotTo(HaveOccurred())
		c.HostIP = conn.LocalAddr().(*net.UDPAddr).IP.String()
		Expect(conn.Close()).To(Succeed())
	}
	Expect(c.HostIP).NotTo(BeEmpty(), "the node has no InternalIP")
}

// explain prints what somebody wants to see who has to find out why a promise was broken.
func (c *cluster) explain(ctx context.Context) {
	const ours = "logs -n " + system + " --since=3m --tail=-1 --prefix -l app.kubernetes.io/component="
	for _, args := range []string{"get sessions -A -o wide", "get pods -A -o wide", ours + operators, ours + gateways} {
		cmd := exec.CommandContext(ctx, c.Kubectl, append([]string{"--kubeconfig", c.Kubeconfig}, strings.Fields(args)...)...)
		out, err := cmd.CombinedOutput()
		lines := slices.DeleteFunc(strings.Split(string(out), "\n"), func(line string) bool {
			return strings.Contains(line, `"level":"INFO"`) && !strings.Contains(line, `"status":5`) // of the access log, what failed
		})
		text := strings.Join(lines[max(0, len(lines)-60):], "\n")
		AddReportEntry("kubectl "+args, fmt.Sprintf("%s %v", text, err), ReportEntryVisibilityFailureOrVerbose)
	}
}
