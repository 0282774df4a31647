package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

// What must not be kept is destroyed: originals with their key while the house runs, masked text while gitstore is stopped.
func TestWhatMustNotBeKeptIsDestroyed(t *testing.T) {
	const leaked = "hunter2-in-clear"
	destroy := func(t *testing.T, d *deployment, place string) {
		c := d.signIn()
		c.addCredential()
		dev := devices(t, 1, "cisco_ios").Devices()[0]
		id := c.add(dev, "")
		for _, describe := range []string{"first", leaked, "last"} {
			require.NoError(t, dev.Change(lab.Change{Describe: describe}))
			c.succeeded(c.backup(object{"all": true}), 1, 1)
		}
		list := func() []object { return c.items("/api/v1/devices/" + id + "/revisions?artifact=running.cfg") }
		content := func(r object, view string) (int, string) {
			status, text := c.raw("GET", "/api/v1/revisions/"+r["id"].(string)+"/content?view="+view, nil)
			return status, string(text)
		}
		key := filepath.Join(d.data, "recovery-key")
		name, args := "all", []string{"--data", d.data}
		if d.processes["all"] == nil {
			root := filepath.Dir(d.data)
			name, key = "gitstore", filepath.Join(root, "vault", "recovery-key")
			args = []string{"--config", filepath.Join(root, "netraven.yaml"), "--data", filepath.Join(root, "gitstore")}
		}
		run := func(stdin string, args ...string) (string, error) {
			cmd := exec.Command(filepath.Join(bin, "netraven"), args...)
			cmd.Stdin = strings.NewReader(stdin)
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		d.waitMirrored(place)
		_, err := run("", "recover", "--mirror", place, "--key", key, id, "--artifact", "running.cfg")
		require.NoError(t, err)

		done := c.do("POST", "/api/v1/devices/"+id+"/originals:shred", object{})
		require.GreaterOrEqual(t, done["originals"], 3.0)
		require.Equal(t, true, done["mirror_pending"])
		for _, r := range list() {
			c.refused(409, "ORIGINAL_SHREDDED", "GET", "/api/v1/revisions/"+r["id"].(string)+"/content?view=restorable", nil)
		}
		eventually(t, "the mirror has followed", func() bool {
			out, err := run("", "recover", "--mirror", place, "--key", key, id, "--artifact", "running.cfg")
			return err != nil && strings.Contains(out, "no such original")
		})
		c.succeeded(c.backup(object{"all": true}), 1, 0)
		status, text := content(list()[0], "restorable")
		require.Equal(t, 200, status)
		require.Contains(t, text, "description last")
		c.refused(409, "ORIGINAL_SHREDDED", "GET", "/api/v1/revisions/"+list()[1]["id"].(string)+"/content?view=restorable", nil)

		erase := append([]string{"gitstore", "erase", "--text-file", "-"}, args...)
		out, err := run(leaked+"\n", erase...)
		require.Error(t, err)
		require.Contains(t, out, "stop", "not beside a server")
		d.processes[name].stop()
		out, err = run(leaked+"\n", erase...)
		require.NoError(t, err, out)
		require.Contains(t, out, "Erased: 1 texts in 1 of 3 commits")
		d.restart(name)
		d.waitReady(d.gitstore)
		eventually(t, "gitstore is reached again", func() bool {
			status, _ := c.raw("GET", "/api/v1/devices/"+id+"/revisions", nil)
			return status == 200
		})
		require.NotContains(t, d.git("cat-file", "--batch-all-objects", "--batch"), leaked)
		d.git("fsck", "--full", "--strict")
		require.Len(t, list(), 3)
		_, text = content(list()[1], "masked")
		require.Contains(t, text, "description <erased>")
		c.succeeded(c.backup(object{"all": true}), 1, 0)
		d.waitMirrored(place)

		// Of a device that was deleted too.
		c.do("DELETE", "/api/v1/devices/"+id, nil)
		require.Positive(t, c.do("POST", "/api/v1/devices/"+id+"/originals:shred", object{})["originals"])
	}
	place := t.TempDir()
	t.Run("one process", func(t *testing.T) { destroy(t, oneProcess(t, "--mirror", place), place) })
	place = t.TempDir()
	t.Run("split", func(t *testing.T) { destroy(t, split(t, "--mirror", place), place) })
}
