package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/hack/bench/figures"
)

// idlePerPod is as many connections as nginx keeps to its backend in this benchmark. net/http would keep two, and dial for most requests.
const idlePerPod = 256

// plain is the reverse proxy of net/http, as its documentation has it.
func plain(ctx context.Context, s *settings, l net.Listener) error {
	go obey(s, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var f figures.Figures
		f.Read()
		f.Serve(w)
	}))
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: proxy(s), Protocols: protocols, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func proxy(s *settings) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL.Scheme, pr.Out.URL.Host = "http", s.pod
			if strings.HasPrefix(pr.In.Host, "sockets.") {
				pr.Out.URL.Host = s.sockets
			}
			pr.Out.Host = pr.In.Host
			pr.SetXForwarded()
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: idlePerPod, DisableCompression: true},
	}
}
