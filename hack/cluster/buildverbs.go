package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func runBuild(ctx context.Context, _ []string) error {
	folder, err := buildMissing(ctx)
	if err != nil {
		return err
	}
	fmt.Println(folder)
	return nil
}

// runPath prints the path of a binary, and builds it if need be.
func runPath(ctx context.Context, args []string) error {
	known := func(b binary) bool { return b.name == args[0] }
	if !slices.ContainsFunc(binaries, known) {
		return fmt.Errorf("no binary %q; there are %v", args[0], binaryNames())
	}
	folder, err := buildMissing(ctx, args[0])
	if err != nil {
		return err
	}
	fmt.Println(filepath.Join(folder, args[0]))
	return nil
}

// runAssets prints the folder that envtest is to use. A set KUBEBUILDER_ASSETS wins, whatever is in it.
func runAssets(ctx context.Context, _ []string) error {
	if set := os.Getenv("KUBEBUILDER_ASSETS"); set != "" {
		fmt.Println(set)
		return nil
	}
	folder, err := buildMissing(ctx, assets...)
	if err != nil {
		return err
	}
	fmt.Println(folder)
	return nil
}

func binaryNames() []string {
	var names []string
	for _, b := range binaries {
		names = append(names, b.name)
	}
	return names
}
