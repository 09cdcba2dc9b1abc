package house

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The program that spreads the promises over processes talks to them: it is of the version that they are written with.
func TestGinkgoIsOfOneVersion(t *testing.T) {
	written, runs := ginkgo(t, "go.mod"), ginkgo(t, "hack/tools/ginkgo/go.mod")
	if written != runs {
		t.Errorf("the tests are written with ginkgo %s, and make e2e runs %s: change hack/tools/ginkgo/go.mod", written, runs)
	}
}

func ginkgo(t *testing.T, module string) (version string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", module))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`github\.com/onsi/ginkgo/v2 (\S+)`).FindSubmatch(text)
	if match == nil {
		t.Fatalf("%s does not name ginkgo", module)
	}
	return string(match[1])
}
