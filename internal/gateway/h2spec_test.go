package gateway_test

import (
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// h2specFaults are the cases of h2spec to which net/http's own server gives another answer, and why that does no harm.
var h2specFaults = map[string]string{
	"http2/4.2: Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE":                          "it takes frames up to 1 MiB, and bounds what is in them",
	"http2/6.5.3: Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE":                                            "it closes the connection",
	"http2/8.1.2.2: Sends a HEADERS frame that contains the connection-specific header field":                       "it answers 400",
	"http2/8.1.2.2: Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"": "it answers 400",
}

// plainFaults are those at a port that takes HTTP/1.1 as well.
var plainFaults = map[string]string{
	"http2/3.5: Sends invalid connection preface": "it is a malformed request of HTTP/1.1, and answered 400",
}

// The server of HTTP/2 is what RFC 7540 says, but for those.
func TestH2Spec(t *testing.T) {
	if speaks.standard || speaks.h2c {
		t.Skip("once is enough")
	}
	cert, _ := selfSigned(t, "*.chess.test")
	w := newWorld(t, chess(), secured(t, cert))
	w.publish("a", "pod-a", newPod(t, func(rw http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond) // what comes meanwhile comes in the middle of a request
		echo(rw, r)
	}), 1)
	for name, addr := range map[string]string{"h2c": w.addr, "TLS": w.secure} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is to wait for what must not come
			_, port, _ := net.SplitHostPort(addr)
			report := filepath.Join(t.TempDir(), "report.xml")
			args := []string{"tool", "-modfile=../../hack/tools/h2spec/go.mod", "h2spec", "-p", port, "-P", "/chess/a/", "-o", "4", "-j", report}
			if name == "TLS" {
				args = append(args, "-t", "-k")
			}
			out, _ := exec.Command("go", args...).CombinedOutput() // it fails where a case does
			ran, failed := readReport(t, report)
			failed = slices.DeleteFunc(failed, func(c string) bool {
				return h2specFaults[c] != "" || name == "h2c" && plainFaults[c] != ""
			})
			if ran != 145 || len(failed) > 0 {
				t.Errorf("%d cases, failed: %q\n%s", ran, failed, out)
			}
		})
	}
}

// readReport gives how many cases there were, and the names of those that failed.
func readReport(t *testing.T, path string) (ran int, failed []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Suites []struct {
			Cases []struct {
				Package string    `xml:"package,attr"`
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	for _, s := range report.Suites {
		for _, c := range s.Cases {
			ran++
			if c.Failure != nil || c.Error != nil {
				failed = append(failed, fmt.Sprintf("%s: %s", c.Package, c.Name))
			}
		}
	}
	slices.Sort(failed)
	return ran, failed
}
