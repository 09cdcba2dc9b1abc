package envtest

import (
	"os"
	"path/filepath"
	"testing"
)

func TestASetFolderWins(t *testing.T) {
	t.Setenv("KUBEBUILDER_ASSETS", "/somewhere")
	if got, err := Assets(); got != "/somewhere" || err != nil {
		t.Errorf("got %q, %v; want /somewhere", got, err)
	}
}

func TestTheFolderHoldsAnAPIServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it may build an API server")
	}
	t.Setenv("KUBEBUILDER_ASSETS", "")
	folder, err := Assets()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kube-apiserver", "etcd", "kubectl"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
}
