package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificateLife is how long the cluster's certificates last. The folder they lie in lives for days.
const certificateLife = 5 * 365 * 24 * time.Hour

// identity is a certificate of the cluster: who the holder is to the API server, and whether it may serve.
type identity struct {
	name       string // of the files certs/NAME.crt and certs/NAME.key
	user       string
	group      string
	serves     bool
	kubeconfig bool // whether config/NAME.kubeconfig is written
	node       bool // of the node, which asks the API server at the address that cut cuts off
}

// identities of the cluster. The users and groups are those that the API server's default roles are bound to.
var identities = []identity{
	{name: "apiserver", user: "kube-apiserver", serves: true},
	{name: "apiserver-to-kubelet", user: "kube-apiserver-kubelet-client", group: "system:masters"},
	{name: "front-proxy", user: "front-proxy"},
	{name: "etcd", user: "etcd", serves: true},
	{name: "admin", user: "dormouse-admin", group: "system:masters", kubeconfig: true},
	{name: "kube-controller-manager", user: "system:kube-controller-manager", serves: true, kubeconfig: true},
	{name: "kube-scheduler", user: "system:kube-scheduler", serves: true, kubeconfig: true},
	{name: "kubelet", user: "system:node:" + nodeName, group: "system:nodes", serves: true, kubeconfig: true, node: true},
	{name: "kube-proxy", user: "system:kube-proxy", kubeconfig: true, node: true},
	{name: "coredns", user: "system:coredns", kubeconfig: true, node: true},
}

// serverNames are what the serving certificates are valid for.
var serverNames = []string{
	"localhost", nodeName, "kubernetes", "kubernetes.default", "kubernetes.default.svc",
	"kubernetes.default.svc." + clusterDomain,
}

var serverAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(bridgeIP), net.ParseIP(apiServiceIP)}

// authority signs the certificates. Its key is not kept: nothing is signed later.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// writeCertificates makes all certificates and the key of the service accounts, once in the life of the cluster.
func (l layout) writeCertificates() error {
	final := l.Path("certs")
	if _, err := os.Stat(final); err == nil {
		return nil
	}
	temporary := final + ".new"
	if err := os.RemoveAll(temporary); err != nil {
		return fmt.Errorf("remove half of a set of certificates: %w", err)
	}
	if err := os.Mkdir(temporary, 0o700); err != nil {
		return fmt.Errorf("create the folder of the certificates: %w", err)
	}
	if err := fillCertificates(temporary); err != nil {
		return err
	}
	return os.Rename(temporary, final)
}

func fillCertificates(dir string) error {
	ca, err := newAuthority(dir)
	if err != nil {
		return err
	}
	for _, id := range identities {
		if err := ca.issue(dir, id); err != nil {
			return fmt.Errorf("make the certificate of %s: %w", id.name, err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key of the service accounts: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return fmt.Errorf("encode the key of the service accounts: %w", err)
	}
	if err := writePEM(filepath.Join(dir, "service-accounts.pub"), "PUBLIC KEY", public); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, "service-accounts.key"), key)
}

func newAuthority(dir string) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("make the authority's key: %w", err)
	}
	template := certificate("dormouse-ca", "")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return authority{}, fmt.Errorf("make the authority's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return authority{}, fmt.Errorf("read the authority's certificate: %w", err)
	}
	return authority{cert: cert, key: key}, writePEM(filepath.Join(dir, "ca.crt"), "CERTIFICATE", der)
}

func (a authority) issue(dir string, id identity) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := certificate(id.user, id.group)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if id.serves {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		template.DNSNames, template.IPAddresses = serverNames, serverAddresses
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return err
	}
	if err := writeKey(filepath.Join(dir, id.name+".key"), key); err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, id.name+".crt"), "CERTIFICATE", der)
}

// certificate starts a template. It is valid from an hour ago, for clocks that were set back since.
func certificate(user, group string) *x509.Certificate {
	subject := pkix.Name{CommonName: user}
	if group != "" {
		subject.Organization = []string{group}
	}
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // crypto/rand does not fail
	now := time.Now()
	return &x509.Certificate{
		Subject: subject, SerialNumber: serial,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
	}
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode a key: %w", err)
	}
	return writePEM(path, "EC PRIVATE KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// writeKubeconfigs writes a kubeconfig for each identity that needs one, with the certificates inside.
func (l layout) writeKubeconfigs() error {
	for _, id := range identities {
		if !id.kubeconfig {
			continue
		}
		v := l.values()
		v.User, v.Server = id.name, "127.0.0.1"
		if id.node {
			v.Server = bridgeIP
		}
		for to, file := range map[*string]string{&v.CA: "ca.crt", &v.Cert: id.name + ".crt", &v.Key: id.name + ".key"} {
			content, err := os.ReadFile(l.Path("certs/" + file))
			if err != nil {
				return fmt.Errorf("read a certificate: %w", err)
			}
			*to = base64.StdEncoding.EncodeToString(content)
		}
		content, err := render("kubeconfig.tmpl", v)
		if err != nil {
			return err
		}
		if err := writeFile(l.Path("config/"+id.name+".kubeconfig"), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
