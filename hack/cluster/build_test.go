package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFingerprintChangesWithTheSources(t *testing.T) {
	repository := t.TempDir()
	for _, glob := range fingerprinted {
		file := filepath.Join(repository, strings.ReplaceAll(glob, "*", "x"))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(glob), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, err := fingerprint(repository)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := fingerprint(repository); again != first {
		t.Errorf("the same sources give %s and %s", first, again)
	}
	if err := os.WriteFile(filepath.Join(repository, "hack/cluster/modules/x/go.sum"), []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, _ := fingerprint(repository); changed == first {
		t.Error("a new go.sum gives the same fingerprint")
	}
}

func TestMissingNamesWhatTheCacheLacks(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "etcd"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range missing(folder, assets) {
		names = append(names, b.name)
	}
	if want := []string{"kube-apiserver", "kubectl"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	if got := len(missing(folder, nil)); got != len(binaries)-1 {
		t.Errorf("%d binaries are missing, want all but one", got)
	}
}

func TestWhatAnotherCommandHasBuiltIsNotBuiltAgain(t *testing.T) {
	folder := t.TempDir()
	other, err := tryLock(filepath.Join(folder, "building-etcd"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		done <- buildAlone(t.Context(), "", binary{name: "etcd", folder: "not there"}, folder, t.TempDir())
	}()
	if err := os.WriteFile(filepath.Join(folder, "etcd"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	if err := <-done; err != nil {
		t.Errorf("it was built: %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "building-etcd")); !os.IsNotExist(err) {
		t.Errorf("the lock is left: %v", err)
	}
}

func TestEveryComponentHasABinary(t *testing.T) {
	for _, name := range componentNames() {
		if !slices.Contains(binaryNames(), name) {
			t.Errorf("nothing builds %s", name)
		}
	}
}

func TestEveryCertificateAFlagNamesIsMade(t *testing.T) {
	dir := t.TempDir()
	l := layout{dir: dir, bin: dir}
	if err := l.writeCertificates(); err != nil {
		t.Fatal(err)
	}
	for _, c := range components {
		for _, arg := range c.args(l) {
			_, file, ok := strings.Cut(arg, "="+dir+"/certs/")
			if _, err := os.Stat(l.Path("certs/" + file)); ok && err != nil {
				t.Errorf("%s of %s: %v", arg, c.name, err)
			}
		}
	}
}

func TestTheAPIServersCertificateHoldsForAllItsNames(t *testing.T) {
	l := layout{dir: t.TempDir()}
	if err := l.writeCertificates(); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(readCertificate(t, l.Path("certs/ca.crt")))
	cert := readCertificate(t, l.Path("certs/apiserver.crt"))
	for _, name := range []string{"127.0.0.1", bridgeIP, apiServiceIP, "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"} {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, DNSName: name, CurrentTime: time.Now()}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	admin := readCertificate(t, l.Path("certs/admin.crt"))
	if _, err := admin.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: time.Now()}); err == nil {
		t.Error("the administrator's certificate can serve")
	}
}

func readCertificate(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestKubernetesStampNamesTheVersion(t *testing.T) {
	flags := strings.Join(kubernetesStamp("v1.36.3"), "\n")
	for _, want := range []string{"component-base/version.gitVersion=v1.36.3", "version.gitMajor=1\n", "version.gitMinor=36"} {
		if !strings.Contains(flags, want) {
			t.Errorf("no %q in\n%s", want, flags)
		}
	}
}

func TestTook(t *testing.T) {
	for d, want := range map[time.Duration]string{1234 * time.Millisecond: "1.2 s", 43 * time.Second: "43 s"} {
		if got := took(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}
