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

// cluster is the way to the cluster, and what runs on it.
type cluster struct {
	root   string // of the repository
	folder string // for what is built
	tool   string // the program of hack/cluster
	audit  string // the API server's audit log
	image  string // of the workload

	kubectl, kubeconfig string
	api                 client.WithWatch

	node   string
	shell  []string       // runs a command on the node
	hostIP string         // of this machine, for pods
	kills  map[string]int // how often a test has killed a container, by pod
}

// openCluster brings everything up: the cluster, Dormouse, and the workload's image.
func openCluster(ctx context.Context) *cluster {
	GinkgoHelper()
	folder, err := os.MkdirTemp("", "dormouse-e2e-*")
	Expect(err).NotTo(HaveOccurred())
	c := &cluster{folder: folder, tool: filepath.Join(folder, "cluster"), kills: map[string]int{}}
	DeferCleanup(func() { _ = os.RemoveAll(folder) })
	c.root = filepath.Dir(strings.TrimSpace(c.run(ctx, "go", "env", "GOMOD")))
	By("starting the cluster, if it does not run, and installing Dormouse")
	c.run(ctx, "go", "build", "-o", c.tool, "./hack/cluster")
	if os.Getenv("E2E_INSTALL") == "skip" {
		c.run(ctx, c.tool, "up")
	} else {
		c.run(ctx, "go", "run", "./hack/demo", "install")
	}
	c.kubeconfig = strings.TrimSpace(c.run(ctx, c.tool, "kubeconfig"))
	c.kubectl = strings.TrimSpace(c.run(ctx, c.tool, "path", "kubectl"))
	c.audit = regexp.MustCompile(`(?m)^audit log\s+(\S+)$`).FindStringSubmatch(c.run(ctx, c.tool, "status"))[1]
	c.api = c.connect()
	By("building the workload")
	c.image = c.loadWorkload(ctx)
	c.findNode(ctx)
	return c
}

// run runs a program in the repository and returns what it printed. All that it says is in the verbose report, at once.
func (c *cluster) run(ctx context.Context, program string, args ...string) string {
	GinkgoHelper()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = c.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "KUBECACHEDIR="+c.folder)
	if c.kubeconfig != "" {
		cmd.Env = append(cmd.Env, "KUBECONFIG="+c.kubeconfig)
	}
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, GinkgoWriter), io.MultiWriter(&complaints, GinkgoWriter)
	Expect(cmd.Run()).To(Succeed(), "%s %s\n%s%s", filepath.Base(program), strings.Join(args, " "), out.String(), complaints.String())
	return out.String()
}

func (c *cluster) connect() client.WithWatch {
	GinkgoHelper()
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
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
	binary, archive := filepath.Join(c.folder, "workload"), filepath.Join(c.folder, "workload.tar")
	c.run(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, "./test/e2e/workload")
	content, err := os.ReadFile(binary)
	Expect(err).NotTo(HaveOccurred())
	name := fmt.Sprintf("localhost/dormouse/workload:%x", sha256.Sum256(content))[:len("localhost/dormouse/workload:")+12]
	c.run(ctx, "go", "-C", "hack/image", "run", ".", "-o", archive, "-name", name, "-binary", binary)
	c.run(ctx, c.tool, "load-image", archive)
	return name
}

// findNode finds the way onto the node, and the address by which its pods reach this process.
func (c *cluster) findNode(ctx context.Context) {
	GinkgoHelper()
	var nodes corev1.NodeList
	Expect(c.api.List(ctx, &nodes)).To(Succeed())
	Expect(nodes.Items).To(HaveLen(1))
	node := nodes.Items[0]
	c.node = node.Name
	if strings.HasPrefix(node.Spec.ProviderID, "kind://") { // its nodes are Docker containers
		c.shell = []string{"docker", "exec", node.Name}
	}
	for _, a := range node.Status.Addresses {
		if a.Type != corev1.NodeInternalIP {
			continue
		}
		conn, err := net.Dial("udp", net.JoinHostPort(a.Address, "9")) // nothing is sent: only the route is asked for
		Expect(err).NotTo(HaveOccurred())
		c.hostIP = conn.LocalAddr().(*net.UDPAddr).IP.String()
		Expect(conn.Close()).To(Succeed())
	}
	Expect(c.hostIP).NotTo(BeEmpty(), "the node has no InternalIP")
}

// explain prints what somebody wants to see who has to find out why a promise was broken.
func (c *cluster) explain(ctx context.Context) {
	const ours = "logs -n " + system + " --since=3m --tail=-1 --prefix -l app.kubernetes.io/component="
	for _, args := range []string{"get sessions -A -o wide", "get pods -A -o wide", ours + operators, ours + gateways} {
		cmd := exec.CommandContext(ctx, c.kubectl, append([]string{"--kubeconfig", c.kubeconfig}, strings.Fields(args)...)...)
		out, err := cmd.CombinedOutput()
		lines := slices.DeleteFunc(strings.Split(string(out), "\n"), func(line string) bool {
			return strings.Contains(line, `"level":"INFO"`) && !strings.Contains(line, `"status":5`) // of the access log, what failed
		})
		text := strings.Join(lines[max(0, len(lines)-60):], "\n")
		AddReportEntry("kubectl "+args, fmt.Sprintf("%s %v", text, err), ReportEntryVisibilityFailureOrVerbose)
	}
}
