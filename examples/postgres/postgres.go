// Package postgres starts PostgreSQL from the files of Debian's package, wherever they lie.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Server is one, that runs or not.
type Server struct {
	Root           string              // where the package was unpacked; empty: it is installed
	Data           string              // the folder of its data; its parent must be there
	User, Password string              // of the superuser
	As             *syscall.Credential // whom it runs as, for it never runs as root; nil: whoever we are
}

// Prepare makes the data folder, unless it is there. It is there whole, or not at all.
func (s *Server) Prepare(ctx context.Context) error {
	if _, err := os.Stat(s.Data); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh, password := s.Data+".new", s.Data+".password"
	if err := errors.Join(os.RemoveAll(fresh), s.write(password, s.Password)); err != nil {
		return fmt.Errorf("begin afresh: %w", err)
	}
	defer func() { _ = os.Remove(password) }()
	initdb, err := s.Command(ctx, "initdb", "-D", fresh, "--username="+s.User, "--pwfile="+password, "--auth=scram-sha-256",
		"--encoding=UTF8", "--no-locale", "--no-instructions")
	if err != nil {
		return err
	}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, bytes.TrimSpace(out))
	}
	if err := letIn(filepath.Join(fresh, "pg_hba.conf")); err != nil {
		return err
	}
	return os.Rename(fresh, s.Data)
}

// write writes a file that the server's user may read, and nobody else.
func (s *Server) write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil || s.As == nil {
		return err
	}
	return os.Chown(path, int(s.As.Uid), int(s.As.Gid))
}

// letIn lets in whoever knows the password, from wherever.
func letIn(hba string) error {
	f, err := os.OpenFile(hba, os.O_APPEND|os.O_WRONLY, 0) //nolint:gosec // a file of PostgreSQL's
	if err != nil {
		return fmt.Errorf("open what says who may connect: %w", err)
	}
	_, err = f.WriteString("host all all all scram-sha-256\n")
	return errors.Join(err, f.Close())
}

// Command is one of its programs, such as postgres.
func (s *Server) Command(ctx context.Context, program string, args ...string) (*exec.Cmd, error) {
	found, err := filepath.Glob(s.Root + "/usr/lib/postgresql/*/bin/" + program)
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("there is no %s of PostgreSQL below %s/usr/lib/postgresql", program, s.Root)
	}
	cmd := exec.CommandContext(ctx, found[len(found)-1], args...) //nolint:gosec // one of PostgreSQL's programs
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.As}
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if libraries, _ := filepath.Glob(s.Root + "/usr/lib/*-linux-gnu"); s.Root != "" { // the pattern is sound
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+strings.Join(libraries, ":"))
	}
	return cmd, nil
}
