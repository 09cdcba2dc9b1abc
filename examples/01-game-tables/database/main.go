// Command database is the PostgreSQL of this example: it makes its data folder, if there is none, and becomes the server. It reads the
// variables that the image postgres of Docker Hub reads too, so that either can stand in the manifest.
package main

import (
	"context"
	"log"
	"os"
	"slices"
	"syscall"

	"github.com/dormouse-dev/dormouse/examples/postgres"
)

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	s := &postgres.Server{Data: os.Getenv("PGDATA"), User: os.Getenv("POSTGRES_USER"), Password: os.Getenv("POSTGRES_PASSWORD")}
	if err := s.Prepare(ctx); err != nil {
		log.Fatalf("database: %v", err)
	}
	args := []string{"-D", s.Data, "-c", "listen_addresses=*", "-c", "unix_socket_directories="}
	server, err := s.Command(ctx, "postgres", slices.Concat(args, os.Args[1:])...)
	if err != nil {
		log.Fatalf("database: %v", err)
	}
	log.Fatalf("database: start postgres: %v", syscall.Exec(server.Path, server.Args, server.Env)) //nolint:gosec // PostgreSQL's, with its options
}
