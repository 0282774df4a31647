package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two sites with a repository each: a clone holds its site and nothing of the other, also after a device has moved from one to the other.
func TestACloneHoldsTheSitesOfItsRepository(t *testing.T) {
	d := oneProcess(t)
	c := d.signIn()
	c.addCredential()
	l := devices(t, 2, "cisco_ios")
	apart := c.do("POST", "/api/v1/sites", object{"name": "apart", "repository": "customer-7"})["id"].(string)
	stays := l.Devices()[0].Info().Name
	moves := l.Devices()[1].Info().Name
	c.add(l.Devices()[0], "")
	id := c.add(l.Devices()[1], apart)
	c.succeeded(c.backup(object{"all": true}), 2, 2)
	home := t.TempDir()
	clone := func(name, repository string) string {
		t.Helper()
		to := filepath.Join(home, name)
		out, err := gitAt(home, "clone", "--quiet", d.cloneURL("any", c.token, repository), to)
		require.NoError(t, err, out)
		out, err = gitAt(to, "fsck", "--full", "--strict")
		require.NoError(t, err, out)
		log, err := gitAt(to, "log", "-p")
		require.NoError(t, err, log)
		return log
	}
	log := clone("all", "configs")
	require.Contains(t, log, "hostname "+stays)
	require.NotContains(t, log, moves)
	log = clone("theirs", "customer-7")
	require.Contains(t, log, "+++ b/apart/"+moves+"/running.cfg")
	require.NotContains(t, log, stays)
	require.NotContains(t, log, labPassword)

	c.do("PATCH", "/api/v1/sites/"+apart, object{"repository": "customer-8"})
	c.succeeded(c.backup(object{"all": true}), 2, 0)
	log = clone("after", "customer-8")
	require.Contains(t, log, "hostname "+moves)
	files, err := gitAt(filepath.Join(home, "theirs"), "pull", "--quiet")
	require.NoError(t, err, files)
	files, err = gitAt(filepath.Join(home, "theirs"), "ls-files")
	require.NoError(t, err)
	require.Empty(t, strings.TrimSpace(files), "it moved, though nothing was new")
	revisions := c.items("/api/v1/devices/" + id + "/revisions")
	require.Equal(t, "customer-7", revisions[0]["repository"], "where it was committed")
	c.refused(400, "REPOSITORY_INVALID", "PATCH", "/api/v1/sites/"+apart, object{"repository": "../configs"})
}
