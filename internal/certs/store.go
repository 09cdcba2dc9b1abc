package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Names of the files of a certificate, as a Secret of type kubernetes.io/tls has them.
const (
	certFile = "tls.crt"
	keyFile  = "tls.key"
)

// Every is how often the files are looked at. The kubelet takes up to two minutes to bring a change of a Secret.
const Every = 10 * time.Second

// errNoNames is a certificate that no server name asks for.
var errNoNames = errors.New("the certificate has no DNS names")

// Store is the certificates of a directory: one in each sub-directory, as tls.crt (with the certificates between it and its root
// behind it) and tls.key. All fields are required.
type Store struct {
	Files   fs.FS
	Log     *slog.Logger
	Metrics *Metrics

	kept  map[string]*kept // by sub-directory; only Load uses it
	index atomic.Pointer[index]
}

// kept is what is known of one sub-directory.
type kept struct {
	crt, key []byte
	cert     *tls.Certificate // of crt and key
	fault    string           // why what is there now is not used; empty: it is
}

// Metrics are what a store counts.
type Metrics struct {
	certificates prometheus.Gauge
	failures     prometheus.Counter
}

// NewMetrics makes the metrics and registers them. It panics if they are registered already.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		certificates: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dormouse_gateway_tls_certificates",
			Help: "Certificates in use; only of a gateway that ends TLS.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dormouse_gateway_tls_reload_failures_total",
			Help: "Attempts to load a certificate that failed, one every 10 s while that is so. The one before it stays in use.",
		}),
	}
	r.MustRegister(m.certificates, m.failures)
	return m
}

// Watch loads the certificates again and again, until ctx ends.
func (s *Store) Watch(ctx context.Context) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.Load()
		}
	}
}

// Load takes over what has changed in the files. A certificate that cannot be loaded is logged, and the one before it stays; one
// whose sub-directory is gone goes. It must not be called by two at once.
func (s *Store) Load() {
	entries, err := fs.ReadDir(s.Files, ".")
	if err != nil {
		s.Log.Error("certificates not loaded", "error", err)
		s.Metrics.failures.Inc()
		return
	}
	now := map[string]*kept{}
	for _, e := range entries {
		dir := e.Name()
		if info, err := fs.Stat(s.Files, dir); err == nil && info.IsDir() && !strings.HasPrefix(dir, "..") {
			now[dir] = s.load(dir, s.kept[dir])
		}
	}
	s.kept = now
	s.publish()
}

// load looks at one sub-directory.
func (s *Store) load(dir string, old *kept) *kept {
	if old == nil {
		old = &kept{}
	}
	now, err := read(s.Files, dir)
	if err == nil && old.cert != nil && bytes.Equal(now.crt, old.crt) && bytes.Equal(now.key, old.key) {
		old.fault = ""
		return old
	}
	if err == nil {
		err = now.parse()
	}
	if err == nil {
		s.Log.Info("certificate loaded", "directory", dir, "names", now.cert.Leaf.DNSNames, "notAfter", now.cert.Leaf.NotAfter)
		return now
	}
	s.Metrics.failures.Inc()
	if err.Error() != old.fault {
		s.Log.Error("certificate not loaded", "directory", dir, "error", err, "previousStays", old.cert != nil)
	}
	old.fault = err.Error()
	return old
}

// read reads both files. Of a mounted Secret both are of the same version: its files are links into a directory that is
// changed as a whole.
func read(files fs.FS, dir string) (*kept, error) {
	if version, err := fs.ReadLink(files, path.Join(dir, "..data")); err == nil {
		dir = path.Join(dir, version)
	}
	crt, err := fs.ReadFile(files, path.Join(dir, certFile))
	if err != nil {
		return nil, err
	}
	key, err := fs.ReadFile(files, path.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	return &kept{crt: crt, key: key}, nil
}

func (k *kept) parse() error {
	cert, err := tls.X509KeyPair(k.crt, k.key)
	if err != nil {
		return fmt.Errorf("parse certificate: %w", err)
	}
	if len(cert.Leaf.DNSNames) == 0 {
		return errNoNames
	}
	k.cert = &cert
	return nil
}
