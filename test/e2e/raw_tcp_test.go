package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// redisServer is Debian's Redis, in redis-tools: it is a server if it is called so.
const redisServer = "/usr/bin/redis-check-rdb"

// Redis has sessions be servers of Redis that speak TLS and keep each command in /data.
func Redis(image string) option {
	return func(t *v1alpha1.SessionTemplate) {
		t.Spec.Protocol, t.Spec.Port = v1alpha1.ProtocolTCP, intstr.FromString("redis")
		t.Spec.Routes = t.Spec.Routes[1:] // by host
		pod := &t.Spec.Template.Spec
		c := &pod.Containers[0]
		c.Image, c.Env = image, nil
		c.Ports = []corev1.ContainerPort{{Name: "redis", ContainerPort: 6379}}
		c.Args = strings.Fields("--port 0 --tls-port 6379 --tls-auth-clients no --protected-mode no --dir /data --appendonly yes --appendfsync always " +
			"--tls-cert-file /tls/tls.crt --tls-key-file /tls/tls.key --tls-ca-cert-file /tls/tls.crt")
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "tls", MountPath: "/tls"})
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "tls"}}})
	}
}

// GivenCertificate makes one for all keys of a world, its Secret, and the file by which clients trust it.
func (w *world) GivenCertificate(ctx context.Context) (file string) {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"*." + w.namespace + ".example.com"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	Expect(err).NotTo(HaveOccurred())
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "tls"}, Type: corev1.SecretTypeTLS}
	s.Data = map[string][]byte{"tls.crt": chain, "tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})}
	Expect(cl.api.Create(ctx, s)).To(Succeed())
	file = filepath.Join(cl.Folder, w.namespace+".crt")
	Expect(os.WriteFile(file, chain, 0o600)).To(Succeed())
	return file
}

// host is the server name of a key.
func (w *world) host(key string) string { return key + "." + w.namespace + ".example.com" }

// raw is where a gateway takes raw TCP.
func (g *gateway) raw() string { return net.JoinHostPort(g.pod.Status.PodIP, "8444") }

// redis has Debian's redis-cli do something with the session of the key a, by way of a gateway.
func (w *world) redis(ctx context.Context, g *gateway, trust, input string, words ...string) string {
	GinkgoHelper()
	ip, port, _ := net.SplitHostPort(g.raw())
	args := append([]string{"-h", ip, "-p", port, "--tls", "--sni", w.host("a"), "--cacert", trust, "--no-raw"}, words...)
	cmd := exec.CommandContext(ctx, "redis-cli", args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), "redis-cli %s\n%s", strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

// knows says whether a gateway knows the template of raw TCP: it refuses a name that it does not know, and wakes the key of one that it does.
func (w *world) knows(ctx context.Context, g *gateway, key string) error {
	d := &tls.Dialer{Config: &tls.Config{ServerName: w.host(key), InsecureSkipVerify: true}}
	c, err := d.DialContext(ctx, "tcp", g.raw())
	if err != nil {
		return err
	}
	return c.Close()
}

var _ = It("wakes a Redis for Debian's redis-cli by the server name of its TLS, and keeps its data over sleeps (000-02, 000-05)", func(ctx SpecContext) {
	for _, program := range []string{"redis-cli", redisServer} {
		if _, err := exec.LookPath(program); err != nil {
			Skip(program + " is not installed: hack/packages redis-tools")
		}
	}
	server, err := os.ReadFile(redisServer)
	Expect(err).NotTo(HaveOccurred())
	binary := filepath.Join(cl.Folder, "redis-server")
	Expect(os.WriteFile(binary, server, 0o700)).To(Succeed())
	image := cl.load(ctx, binary, "-dynamic")
	GivenDisk(ctx)
	w := Given(ctx, "redis", Idle(time.Second), Keeping(), Redis(image))
	trust := w.GivenCertificate(ctx)
	for _, g := range w.gateways {
		Eventually(ctx, func(ctx context.Context) error { return w.knows(ctx, g, "a") }).Should(Succeed())
	}
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, 20*time.Second)

	first, other := w.gateways[0], w.gateways[1]
	began := time.Now()
	Expect(w.redis(ctx, first, trust, "", "SET", "move", "e4")).To(Equal("OK"))
	say("SET of a Redis that slept: %s", ms(time.Since(began)))
	var many bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&many, "SET k%d v%d\r\n", i, i)
	}
	Expect(w.redis(ctx, first, trust, many.String(), "--pipe")).To(ContainSubstring("errors: 0, replies: 1000"))
	large := strings.Repeat("0123456789abcdef", 1<<14) // 256 KiB
	Expect(w.redis(ctx, other, trust, large, "-x", "SET", "large")).To(Equal("OK"))
	before := w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, 20*time.Second).Status.Epoch

	Expect(w.redis(ctx, other, trust, "", "GET", "move")).To(Equal(`"e4"`))
	Expect(w.redis(ctx, first, trust, "", "DBSIZE")).To(Equal("(integer) 1002"))
	Expect(w.redis(ctx, first, trust, "", "GET", "large")).To(Equal(`"` + large + `"`))
	Expect(w.Session(ctx, "a").Status.Epoch).To(Equal(before+1), "another pod has the data of the one before")
}, SpecTimeout(5*time.Minute))
