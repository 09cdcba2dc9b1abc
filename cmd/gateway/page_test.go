package main

import (
	"bufio"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/page"
)

func TestPageConfig(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"logo.svg": "<svg/>", "large.png": strings.Repeat("x", page.MaxLogo)} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	svg := "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte("<svg/>"))
	for _, tt := range []struct{ name, config, has, fault string }{
		{name: "a title", config: "title: Chess & more", has: "Chess &amp; more"},
		{name: "a logo as a file beside it", config: "logo: logo.svg", has: `<img src="` + svg + `"`},
		{name: "a logo as a file elsewhere", config: "logo: " + filepath.Join(dir, "logo.svg"), has: svg},
		{name: "a logo as data", config: "logo: " + svg, has: svg},
		{name: "colours", config: "colors: {light: {background: '#ffffff', accent: '#0000cc'}}", has: "--background:#ffffff"},
		{name: "a field that is none", config: "titel: x", fault: `unknown field "titel"`},
		{name: "a logo from elsewhere", config: "logo: https://example.com/a.png", fault: "no such file"},
		{name: "a logo of another kind", config: "logo: a.html", fault: "neither a data URI"},
		{name: "a logo that is not there", config: "logo: b.png", fault: "no such file"},
		{name: "a large logo", config: "logo: large.png", fault: "more than"},
		{name: "what cannot be read", config: "colors: {dark: {text: '#333333'}}", fault: "colors.dark: text has a contrast"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(dir, "page.yaml")
			must(t, os.WriteFile(file, []byte(tt.config), 0o600))
			pages, err := pagesOf(file)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("got %v, want %q", err, tt.fault)
				}
				return
			}
			must(t, err)
			got, err := pages.HTML(page.Face{Title: "x"})
			must(t, err)
			if !strings.Contains(strings.ReplaceAll(string(got), "&#43;", "+"), tt.has) {
				t.Errorf("no %q in the page", tt.has)
			}
		})
	}
	if _, err := pagesOf(filepath.Join(dir, "nowhere.yaml")); err == nil {
		t.Error("a config that is not there is no fault")
	}
}

// followsAWake is a browser that is shown a page, and hears what the operator says of its session.
func followsAWake(t *testing.T, c client.Client, namespace, gateway string) {
	t.Helper()
	res := browse(t, gateway+"/chess/bob/", "text/html")
	body, err := io.ReadAll(res.Body)
	must(t, err)
	progress := regexp.MustCompile(`data-progress="(.*?)"`).FindSubmatch(body)
	if res.StatusCode != http.StatusServiceUnavailable || progress == nil {
		t.Fatalf("no page while the session wakes: %s %s", res.Status, body)
	}
	s := &v1alpha1.Session{}
	must(t, c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "chess.bob"}, s))
	heard := bufio.NewScanner(browse(t, gateway+string(progress[1]), "text/event-stream").Body)
	hears(t, heard, "It was asleep")
	before := client.MergeFrom(s.DeepCopy()) // a touch may come meanwhile
	s.Status.Phase, s.Status.Limit, s.Status.WaitingFor = v1alpha1.PhaseQueued, "limits.awake", "a place under limits.awake"
	s.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonQueued, LastTransitionTime: metav1.Now(),
	}}
	must(t, c.Status().Patch(t.Context(), s, before))
	hears(t, heard, "place in the queue")
	before = client.MergeFrom(s.DeepCopy())
	code := int32(3)
	s.Status.Phase, s.Status.Limit, s.Status.WaitingFor = v1alpha1.PhaseFailed, "", ""
	s.Status.LastExit = &v1alpha1.Exit{Code: &code, Reason: "Error", Message: "no board", Epoch: 1, Time: metav1.Now()}
	retry := metav1.NewMicroTime(time.Now().Add(time.Minute))
	s.Status.Failures = &v1alpha1.Failures{Count: 1, RetryAt: &retry}
	must(t, c.Status().Patch(t.Context(), s, before))
	hears(t, heard, "exit code 3: no board")
}

func browse(t *testing.T, url, accept string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	r.Header.Set("Accept", accept)
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// hears reads events until one says that.
func hears(t *testing.T, heard *bufio.Scanner, what string) {
	t.Helper()
	for heard.Scan() {
		if strings.Contains(heard.Text(), what) {
			return
		}
	}
	t.Fatalf("never heard %q: %v", what, heard.Err())
}
