package certs

import (
	"crypto/tls"
	"slices"
	"strings"
)

// index has the certificates of each DNS name, a wildcard among them, those that last longest first.
type index map[string][]*tls.Certificate

// TLS is how a server takes TLS with the certificates of the store.
func (s *Store) TLS() *tls.Config {
	return &tls.Config{GetCertificate: s.Certificate, MinVersion: tls.VersionTLS12}
}

// Certificate gives the certificate for the name that a client asks for: one that has this name, or else one with a wildcard in
// the place of its first label. A client without a name, or with another, gets none, and is told unrecognized_name.
func (s *Store) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	certs := s.find(strings.ToLower(hello.ServerName))
	for _, c := range certs {
		if hello.SupportsCertificate(c) == nil {
			return c, nil
		}
	}
	if len(certs) > 0 {
		return certs[0], nil // crypto/tls says what does not fit
	}
	return nil, nil
}

func (s *Store) find(name string) []*tls.Certificate {
	ix := s.index.Load()
	if ix == nil || name == "" {
		return nil
	}
	if certs := (*ix)[name]; certs != nil {
		return certs
	}
	_, rest, _ := strings.Cut(name, ".")
	return (*ix)["*."+rest]
}

// publish makes the index of all certificates that are kept.
func (s *Store) publish() {
	ix := index{}
	n := 0
	for _, k := range s.kept {
		if k.cert == nil {
			continue
		}
		n++
		for _, name := range k.cert.Leaf.DNSNames {
			name = strings.ToLower(name)
			ix[name] = append(ix[name], k.cert)
		}
	}
	for _, certs := range ix {
		slices.SortFunc(certs, func(a, b *tls.Certificate) int { return b.Leaf.NotAfter.Compare(a.Leaf.NotAfter) })
	}
	s.index.Store(&ix)
	s.Metrics.certificates.Set(float64(n))
}
