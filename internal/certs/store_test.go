package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// pair is a new certificate and its key, as files. The larger its serial number, the longer it lasts.
func pair(t *testing.T, serial int64, names ...string) (crt, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: names, NotAfter: time.Now().Add(time.Duration(serial) * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// put puts a certificate into files.
func put(t *testing.T, files fstest.MapFS, dir string, serial int64, names ...string) {
	t.Helper()
	crt, key := pair(t, serial, names...)
	files[dir+"/tls.crt"], files[dir+"/tls.key"] = &fstest.MapFile{Data: crt}, &fstest.MapFile{Data: key}
}

func newStore(files fs.FS) (*Store, *bytes.Buffer) {
	log := &bytes.Buffer{}
	return &Store{Files: files, Log: slog.New(slog.NewTextHandler(log, nil)), Metrics: NewMetrics(prometheus.NewRegistry())}, log
}

// served is the serial number of the certificate that a client gets who asks for a name, in a real handshake, or what it is told.
func (s *Store) served(t *testing.T, name string, versions ...uint16) string {
	t.Helper()
	client, server := net.Pipe()
	defer func() { _, _ = client.Close(), server.Close() }()
	go func() {
		_ = tls.Server(server, s.TLS()).Handshake()
		_ = server.Close() // whoever still writes to it ends
	}()
	config := &tls.Config{ServerName: name, InsecureSkipVerify: true}
	for _, v := range versions {
		config.MinVersion, config.MaxVersion = v, v
	}
	conn := tls.Client(client, config)
	if err := conn.Handshake(); err != nil {
		return err.Error()
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestCertificateByName(t *testing.T) {
	files := fstest.MapFS{"notes.txt": {}, "..2026/tls.crt": {}}
	put(t, files, "wide", 1, "*.chess.test", "chess.test")
	put(t, files, "one", 2, "a.chess.test")
	put(t, files, "longer", 3, "*.Chess.test")
	s, log := newStore(files)
	s.Load()
	const unknown = "remote error: tls: unrecognized name"
	for name, want := range map[string]string{
		"a.chess.test": "2", "A.Chess.Test": "2", "b.chess.test": "3", "chess.test": "1",
		"b.a.chess.test": unknown, "other.test": unknown, "": unknown, "test": unknown, "127.0.0.1": unknown,
	} {
		if got := s.served(t, name); got != want {
			t.Errorf("%q is served %q, want %q", name, got, want)
		}
	}
	if got := s.served(t, "a.chess.test", tls.VersionTLS12); got != "2" {
		t.Errorf("TLS 1.2: %s", got)
	}
	if got := s.served(t, "a.chess.test", tls.VersionTLS11); !strings.Contains(got, "protocol version") {
		t.Errorf("TLS 1.1: %s", got)
	}
	if n := testutil.ToFloat64(s.Metrics.certificates); n != 3 || strings.Contains(log.String(), "ERROR") {
		t.Errorf("%v certificates, log %s", n, log)
	}
}

// A certificate that cannot be loaded is told, and the one before it stays.
func TestBrokenReload(t *testing.T) {
	_, otherKey := pair(t, 9, "a.test")
	namelessCrt, namelessKey := pair(t, 9)
	for name, spoil := range map[string]func(fstest.MapFS){
		"no PEM":      func(f fstest.MapFS) { f["a/tls.crt"] = &fstest.MapFile{Data: []byte("half of a")} },
		"another key": func(f fstest.MapFS) { f["a/tls.key"] = &fstest.MapFile{Data: otherKey} },
		"no key":      func(f fstest.MapFS) { delete(f, "a/tls.key") },
		"no names": func(f fstest.MapFS) {
			f["a/tls.crt"], f["a/tls.key"] = &fstest.MapFile{Data: namelessCrt}, &fstest.MapFile{Data: namelessKey}
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			put(t, files, "a", 1, "a.test")
			put(t, files, "b", 2, "b.test")
			s, log := newStore(files)
			s.Load()
			spoil(files)
			put(t, files, "b", 3, "b.test")
			s.Load()
			s.Load()
			if a, b := s.served(t, "a.test"), s.served(t, "b.test"); a != "1" || b != "3" {
				t.Errorf("served %s and %s", a, b)
			}
			if n, told := testutil.ToFloat64(s.Metrics.failures), strings.Count(log.String(), "certificate not loaded"); n != 2 || told != 1 {
				t.Errorf("%v failures, told %d times: %s", n, told, log)
			}
			put(t, files, "a", 4, "a.test")
			if s.Load(); s.served(t, "a.test") != "4" {
				t.Error("what is sound again is not served")
			}
		})
	}
}

func TestCertificateThatIsGone(t *testing.T) {
	files := fstest.MapFS{}
	put(t, files, "a", 1, "a.test")
	s, _ := newStore(files)
	s.Load()
	delete(files, "a/tls.crt")
	delete(files, "a/tls.key")
	if s.Load(); s.served(t, "a.test") == "1" || testutil.ToFloat64(s.Metrics.certificates) != 0 {
		t.Error("it is still served")
	}
}

// A directory that cannot be read is no reason to serve nothing.
func TestDirectoryThatIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	mount(t, dir, "1", 1)
	s, log := newStore(os.DirFS(dir))
	s.Load()
	must(t, os.RemoveAll(dir))
	if s.Load(); s.served(t, "a.test") != "1" || !strings.Contains(log.String(), "certificates not loaded") {
		t.Errorf("served %s, log %s", s.served(t, "a.test"), log)
	}
}

// mount writes a certificate as a kubelet does: both files are links into one directory, which is exchanged as a whole.
func mount(t *testing.T, root, version string, serial int64) {
	t.Helper()
	crt, key := pair(t, serial, "a.test")
	at := filepath.Join(root, "a", ".."+version)
	must(t, os.MkdirAll(at, 0o700))
	must(t, os.WriteFile(filepath.Join(at, "tls.crt"), crt, 0o600))
	must(t, os.WriteFile(filepath.Join(at, "tls.key"), key, 0o600))
	must(t, os.Symlink(".."+version, filepath.Join(root, "a", "..new")))
	must(t, os.Rename(filepath.Join(root, "a", "..new"), filepath.Join(root, "a", "..data")))
	for _, name := range []string{"tls.crt", "tls.key"} {
		_ = os.Symlink("..data/"+name, filepath.Join(root, "a", name)) // there already, from the second time on
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A Secret that changes is served without a restart.
func TestMountedSecret(t *testing.T) {
	root := t.TempDir()
	mount(t, root, "1", 1)
	s, log := newStore(os.DirFS(root))
	s.Load()
	if got := s.served(t, "a.test"); got != "1" {
		t.Errorf("served %s, log %s", got, log)
	}
	synctest.Test(t, func(t *testing.T) {
		go s.Watch(t.Context())
		synctest.Wait()
		mount(t, root, "2", 2)
		time.Sleep(Every)
		synctest.Wait()
	})
	if got := s.served(t, "a.test"); got != "2" {
		t.Errorf("served %s, log %s", got, log)
	}
}

func TestMetricsAreSound(t *testing.T) {
	r := prometheus.NewRegistry()
	NewMetrics(r)
	families, err := r.Gather()
	if err != nil || len(families) != 2 {
		t.Fatal(families, err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
