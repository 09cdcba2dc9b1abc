// Package envtest finds the API server and the etcd that tests of controllers run against.
//
//	assets, err := envtest.Assets()
//	environment := &ctrlenvtest.Environment{BinaryAssetsDirectory: assets}
package envtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Assets returns a folder with kube-apiserver, etcd and kubectl. A set KUBEBUILDER_ASSETS wins. Otherwise the folder
// is in the cache of hack/cluster, which builds them from source if they are not there: minutes the first time.
func Assets() (string, error) {
	if set := os.Getenv("KUBEBUILDER_ASSETS"); set != "" {
		return set, nil
	}
	module, err := output(exec.Command("go", "env", "GOMOD"))
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "run", "./hack/cluster", "assets")
	cmd.Dir = filepath.Dir(module)
	return output(cmd)
}

func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find the API server for tests: %s: %w\n%s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
