package cli_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/netraven/netraven/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"netraven": func() {
		root := &cobra.Command{Use: "netraven", Version: "v0.0.0-test"}
		root.AddCommand(cli.Commands()...)
		os.Exit(cli.Run(context.Background(), root))
	}})
}

// TestScript runs the scripts that any NetRaven server passes: against NETRAVEN_TEST_SERVER with the password of admin in
// NETRAVEN_TEST_PASSWORD where these are set, else against the fakes behind the real REST front.
func TestScript(t *testing.T) {
	server, password := os.Getenv("NETRAVEN_TEST_SERVER"), os.Getenv("NETRAVEN_TEST_PASSWORD")
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(env *testscript.Env) error {
		if server != "" {
			return prepare(env, server, password)
		}
		return prepare(env, serveFakes(env), adminPassword)
	}})
}

// TestFakeScript runs the scripts that need a server which misbehaves on request.
func TestFakeScript(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/fake", Setup: func(env *testscript.Env) error {
		return prepare(env, serveFakes(env), adminPassword)
	}})
}

// prepare gives a script a server, the password of its admin in the file admin-password, and an SSH private key in the file key.
func prepare(env *testscript.Env, server, password string) error {
	env.Setenv("NETRAVEN_SERVER", server)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
	env.Setenv("TZ", "UTC")
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	key, err := ssh.MarshalPrivateKey(private, "made by a test")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(env.WorkDir, "admin-password"), []byte(password+"\n"), 0o600),
		os.WriteFile(filepath.Join(env.WorkDir, "key"), pem.EncodeToMemory(key), 0o600))
}
