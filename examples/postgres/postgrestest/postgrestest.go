// Package postgrestest gives the tests of a package a PostgreSQL of their own.
package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dormouse-dev/dormouse/examples/postgres"
)

// patience is how long a server may take to answer.
const patience = time.Minute

// nobody is whom the server runs as where the tests run as root.
const nobody = 65534

// missing is why there is no server.
var missing error

// Main runs the tests of a package with a server, which the environment names as libpq and pgx read it (PGHOST and so on), and returns their
// exit code.
func Main(m *testing.M) int {
	folder, err := os.MkdirTemp("", "dormouse-postgres-") // and not below a long path: a socket lies in it
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	ctx := context.Background()
	root, err := unpacked(ctx)
	if err != nil {
		missing = err
		return m.Run()
	}
	stop, err := start(ctx, root, folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	return m.Run()
}

// Needed skips a test where no server runs, and says why.
func Needed(t *testing.T) {
	t.Helper()
	if missing != nil {
		t.Skipf("SKIPPED: no PostgreSQL to test with: %v", missing)
	}
}

func start(ctx context.Context, root, folder string) (stop func(), err error) {
	s := &postgres.Server{Root: root, Data: filepath.Join(folder, "data"), User: "tester", Password: "no secret"}
	if os.Geteuid() == 0 {
		s.As = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(folder, nobody, nobody); err != nil {
			return nil, err
		}
	}
	if err := s.Prepare(ctx); err != nil {
		return nil, err
	}
	server, err := s.Command(ctx, "postgres", "-D", s.Data, "-c", "listen_addresses=", "-c", "unix_socket_directories="+folder, "-c", "fsync=off")
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	server.Stderr = &said
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	stop = func() { _ = errors.Join(server.Process.Signal(os.Interrupt), server.Wait()) }
	for name, value := range map[string]string{"PGHOST": folder, "PGUSER": s.User, "PGPASSWORD": s.Password, "PGDATABASE": "postgres"} {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	if err := answers(ctx); err != nil {
		stop()
		return nil, fmt.Errorf("%w\n%s", err, said.String())
	}
	return stop, nil
}

// unpacked is where Debian's package lies that the machine lacks, if it does; hack/debian is above us.
func unpacked(ctx context.Context) (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		script := filepath.Join(dir, "hack", "debian")
		if _, err := os.Stat(script); err == nil {
			return run(ctx, script, "postgresql")
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return "", errors.Join(errors.New("hack/debian is in no folder above this one"), err)
}

func run(ctx context.Context, script, pkg string) (string, error) {
	out, err := exec.CommandContext(ctx, script, pkg).Output() //nolint:gosec // hack/debian
	root := strings.TrimSpace(string(out))
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(failed.Stderr))
	}
	if there, _ := filepath.Glob(filepath.Join(root, "usr/lib/postgresql/*")); len(there) == 0 { // the pattern is sound
		root = "" // nothing had to be unpacked
	}
	return root, err
}

func answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, "")
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
