package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/services/gitstore/remote/remotetest"
)

func TestTheHistoryIsPushedToAGitServer(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		dev := devices(t, 1, "cisco_ios").Devices()[0]
		c.add(dev, "")
		c.succeeded(c.backup(object{"all": true}), 1, 1)

		dir := remotetest.Bare(t)
		target := remotetest.ServeHTTPS(t, dir)
		there := func() string { return remotetest.Git(t, dir, "rev-parse", "main") }
		r := c.do("POST", "/api/v1/remotes", object{"name": "central", "url": "https://" + target.Address.Host + target.Address.Path, "username": "oauth2",
			"password": remotetest.Token, "ca": target.CA})
		path := "/api/v1/remotes/" + r["id"].(string)
		state := c.do("POST", path+":push", object{})["state"].(object)
		require.Empty(t, state["error"])
		require.Equal(t, d.git("rev-parse", "main"), there())
		require.Equal(t, strings.TrimSpace(there()), state["last_pushed_commit"])
		require.NotContains(t, remotetest.Git(t, dir, "log", "-p", "main"), labPassword, "what is pushed is masked")

		// By itself, behind the next backup; and a restart forgets nothing.
		name := "gitstore"
		if d.processes["all"] != nil {
			name = "all"
		}
		d.processes[name].stop()
		d.restart(name)
		d.waitReady(d.gitstore)
		eventually(t, "gitstore is reached again", func() bool {
			status, _ := c.raw("GET", path, nil)
			return status == 200
		})
		require.NoError(t, dev.Change(lab.Change{Describe: "changed"}))
		c.succeeded(c.backup(object{"all": true}), 1, 1)
		eventually(t, "the new commit is at the git server", func() bool { return there() == d.git("rev-parse", "main") })

		c.refused(400, "FIELD_INVALID", "PATCH", path, object{"url": "https://elsewhere.example.net/x.git"})
		c.do("PATCH", path, object{"enabled": false})
		require.Len(t, c.items("/api/v1/remotes"), 1)
		status, answer := c.raw("GET", path, nil)
		require.Equal(t, 200, status)
		require.NotContains(t, string(answer), remotetest.Token)
		requireNowhere(t, d, remotetest.Token)
		c.do("DELETE", path, nil)
		require.Empty(t, c.items("/api/v1/remotes"))
	})
}

// requireNowhere looks for a secret in all logs, and in all that a deployment with one data folder has written, the database's files among it.
func requireNowhere(t *testing.T, d *deployment, secret string) {
	t.Helper()
	for name, p := range d.processes {
		require.NotContains(t, p.output(), secret, "log of %s", name)
	}
	require.NoError(t, filepath.WalkDir(d.data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil // the database removes files while we look
		}
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte(secret)) {
			t.Errorf("the secret is in %s", path)
		}
		return nil
	}))
}
