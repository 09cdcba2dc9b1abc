package house

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// Folders of the machines that this was written on. They are put together here so that this file does not name them.
var machinePath = regexp.MustCompile(`(^|[^\w.})/-])(` + "/wo" + "rk/|" + "/ro" + `ot/(go|\.cache)/)`)

// checkPaths looks for paths that exist on one machine only.
func checkPaths(all []file) []finding {
	const why = "what is committed works for everyone: a path of one machine is a step that nobody else can take."
	var found []finding
	for _, f := range all {
		if binary(f.text) {
			continue
		}
		for i, line := range strings.Split(string(f.text), "\n") {
			if m := machinePath.FindStringSubmatch(line); m != nil {
				found = append(found, finding{fmt.Sprintf("%s:%d", f.path, i+1), "names " + m[2] + ", a path of one machine", why})
			}
		}
	}
	return found
}

func TestPaths(t *testing.T) { none(t, checkPaths(files(t))) }

func TestPathsCanFail(t *testing.T) {
	machine := "/wo" + "rk/"
	finds(t, checkPaths([]file{
		source(t, "a.md", "text\nsee "+machine+"main\n"),
		source(t, "b.sh", machine+"bin/x"),
		source(t, "c.yaml", "path: \""+machine+"x\""),
		source(t, "d.md", "see docs"+machine+"x and https://example.com"+machine+"x"),
		source(t, "e.bin", "\x00"+machine),
	}), "a.md:2", "b.sh:1", "c.yaml:1")
}
