// Command kubectl-dormouse is the plugin of kubectl: kubectl dormouse.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := root().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:           "kubectl-dormouse",
		Short:         "Look at Dormouse from outside",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl dormouse"},
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.CompletionOptions.DisableDefaultCmd = true
	c.AddCommand(conformanceCommand())
	return c
}
