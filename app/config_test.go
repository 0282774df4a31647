package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/internal/secret"
)

func TestTheFileGoesOverTheDefaultsAndTheEnvironmentOverTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "netraven.yaml")
	require.NoError(t, os.WriteFile(file, []byte("http: 127.0.0.1:1\ndatabase: {url: postgres://file}\nhistory: {text: plain}\nservices: [job, hub]\npeers: {auth: 'a:1'}\n"), 0o600))
	c, err := app.Default().ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:1", c.HTTP)
	require.Equal(t, "127.0.0.1:9090", c.GRPC, "what the file does not name stays")
	require.Equal(t, "postgres://file", c.DatabaseURL.Reveal())
	require.Equal(t, []string{"job", "hub"}, c.Services)
	require.Equal(t, "plain", c.HistoryText)
	c = c.ReadEnv(func(name string) string {
		return map[string]string{"NETRAVEN_DATABASE_URL": "postgres://env", "NETRAVEN_HISTORY_TEXT": "masked"}[name]
	})
	require.Equal(t, "masked", c.HistoryText)
	require.Equal(t, "postgres://env", c.DatabaseURL.Reveal())
	require.NotContains(t, fmt.Sprintf("%+v", c), "postgres://", "a configuration can be printed")

	require.NoError(t, os.WriteFile(file, []byte("\nhtpp: x\n"), 0o600))
	_, err = app.Default().ReadFile(file)
	require.ErrorContains(t, err, "line 2")
	require.ErrorContains(t, err, "htpp")
}

func TestWhatCannotWorkIsSaidBeforeAnythingStarts(t *testing.T) {
	require.NoError(t, app.Default().Validate())
	for want, change := range map[string]func(*app.Config){
		"--data":           func(c *app.Config) { c.Data = "" },
		"no service":       func(c *app.Config) { c.Services = []string{"jobs"} },
		"share a database": func(c *app.Config) { c.Services = []string{"job"} },
		"certs init": func(c *app.Config) {
			c.Services, c.DatabaseURL = []string{"job"}, secret.NewString("postgres://x")
		},
		"history.text":    func(c *app.Config) { c.HistoryText = "clear" },
		"go together":     func(c *app.Config) { c.TLSCert = "x" },
		"is not loopback": func(c *app.Config) { c.HTTP = "0.0.0.0:8080" },
		"--insecure-http": func(c *app.Config) { c.GRPC = ":9090" },
	} {
		c := app.Default()
		change(&c)
		require.ErrorContains(t, c.Validate(), want)
	}
	c := app.Default()
	c.HTTP, c.InsecureHTTP = "0.0.0.0:8080", true
	require.NoError(t, c.Validate())
}

func TestCertsAreMadeOnceAndKeysArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	require.NoError(t, app.InitCerts(dir))
	for _, name := range append(app.ServiceNames(), "ca") {
		info, err := os.Stat(filepath.Join(dir, name+".key"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	require.ErrorContains(t, app.InitCerts(dir), "already")
}
