package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// debianPackages are what is not built here: the program that shows whether a package is there, and the package.
var debianPackages = []struct{ program, name string }{
	{"runc", "runc"}, // built from its module it lacks seccomp, and every pod fails
	{filepath.Join(cniPlugins, "bridge"), "containernetworking-plugins"},
	{"ip", "iproute2"},
	{"nft", "nftables"},
	{"mount", "mount"},
}

// installPackages installs what is missing.
func installPackages(ctx context.Context) error {
	var names []string
	for _, p := range debianPackages {
		if _, err := exec.LookPath(p.program); err != nil {
			names = append(names, p.name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("install %s with this machine's package manager (CNI plugins in %s), and run the command again",
			strings.Join(names, ", "), cniPlugins)
	}
	return progress("installing the Debian packages "+strings.Join(names, ", "), func() error {
		install := append([]string{"install", "-y", "--no-install-recommends"}, names...)
		if aptGet(ctx, install...) == nil {
			return nil
		}
		if err := aptGet(ctx, "update"); err != nil {
			return err
		}
		return aptGet(ctx, install...)
	})
}

func aptGet(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	_, err := output(cmd)
	return err
}
