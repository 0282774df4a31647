package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

func TestALostHistoryComesBackFromItsMirror(t *testing.T) {
	lose := func(t *testing.T, d *deployment, place string) {
		c := d.signIn()
		c.addCredential()
		dev := devices(t, 1, "cisco_ios").Devices()[0]
		id := c.add(dev, "")
		c.succeeded(c.backup(object{"all": true}), 1, 1)
		require.NoError(t, dev.Change(lab.Change{Describe: "changed"}))
		c.succeeded(c.backup(object{"all": true}), 1, 1)
		answers := func() []string {
			var out []string
			for _, r := range c.items("/api/v1/devices/" + id + "/revisions") {
				b, err := json.Marshal(r)
				require.NoError(t, err)
				out = append(out, string(b))
				for _, view := range []string{"masked", "restorable"} {
					status, text := c.raw("GET", "/api/v1/revisions/"+r["id"].(string)+"/content?view="+view, nil)
					require.Equal(t, 200, status)
					out = append(out, string(text))
				}
			}
			return out
		}
		before := answers()
		require.NotEmpty(t, before)
		d.waitMirrored(place)

		name, process := "all", d.processes["all"]
		if process == nil {
			name, process = "gitstore", d.processes["gitstore"]
		}
		process.stop()
		lost := filepath.Dir(d.gitDir)
		require.NoError(t, os.RemoveAll(lost))
		run := func(args ...string) (string, error) {
			out, err := exec.Command(filepath.Join(bin, "netraven"), args...).CombinedOutput()
			return string(out), err
		}
		out, err := run("gitstore", "restore", "--from", place, "--data", t.TempDir())
		require.Error(t, err, "without the keys nobody is trusted")
		require.Contains(t, out, "put back the keys first")
		out, err = run("gitstore", "restore", "--from", place, "--data", filepath.Dir(lost))
		require.NoError(t, err, out)
		require.Contains(t, out, "The next serve indexes them.")
		d.restart(name)
		d.waitReady(d.gitstore)
		eventually(t, "gitstore is reached again", func() bool {
			status, _ := c.raw("GET", "/api/v1/devices/"+id+"/revisions", nil)
			return status == 200
		})
		require.Equal(t, before, answers())
		d.git("fsck", "--full", "--strict")
		d.waitMirrored(place)

		// And where everything is lost but mirror and recovery key, the originals are not.
		key := filepath.Join(d.data, "recovery-key")
		if name != "all" {
			key = filepath.Join(filepath.Dir(d.data), "vault", "recovery-key")
		}
		for _, p := range d.processes {
			p.stop()
		}
		out, err = run("recover", "--mirror", place, "--key", key, dev.Info().Name, "--artifact", "running.cfg")
		require.NoError(t, err, out)
		require.Contains(t, before, out, "the bytes that the server had")
		require.Contains(t, out, "description changed")
		folder := filepath.Join(t.TempDir(), "all")
		out, err = run("recover", "--mirror", place, "--key", key, "--out", folder)
		require.NoError(t, err, out)
		require.FileExists(t, filepath.Join(folder, "default", dev.Info().Name, "running.cfg"))
	}
	place := t.TempDir()
	t.Run("one process", func(t *testing.T) { lose(t, oneProcess(t, "--mirror", place), place) })
	place = t.TempDir() // another installation has another mirror
	t.Run("split", func(t *testing.T) { lose(t, split(t, "--mirror", place), place) })
}

// waitMirrored waits until health and metric say that nothing is missing from the mirror.
func (d *deployment) waitMirrored(place string) {
	d.t.Helper()
	get := func(path string) string {
		resp, err := http.Get("http://" + d.gitstore + path)
		require.NoError(d.t, err)
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		require.NoError(d.t, err)
		return string(b)
	}
	eventually(d.t, "the mirror is complete", func() bool {
		var ready struct {
			Services struct {
				Gitstore struct {
					Mirror struct {
						Failing     bool    `json:"failing"`
						LagSeconds  float64 `json:"lag_seconds"`
						LastSuccess string  `json:"last_success"`
					} `json:"mirror"`
				} `json:"gitstore"`
			} `json:"services"`
		}
		text := get("/readyz")
		require.NoError(d.t, json.Unmarshal([]byte(text), &ready), text)
		m := ready.Services.Gitstore.Mirror
		return m.LastSuccess != "" && !m.Failing && strings.Contains(get("/metrics"), "\nnetraven_gitstore_mirror_lag_seconds 0\n")
	})
	manifest, err := os.ReadFile(filepath.Join(place, "manifest"))
	require.NoError(d.t, err)
	require.Contains(d.t, string(manifest), strings.TrimSpace(d.git("rev-parse", "main")))
}
