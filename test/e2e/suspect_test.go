package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

// FAILURES 72: a device that answers with a part of its configuration, ended like the whole, never makes a revision by itself and never a success.
func TestAShrunkConfigurationWaitsForAPerson(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		dev := devices(t, 1, "cisco_ios").Devices()[0]
		id := c.add(dev, "")
		c.succeeded(c.backup(object{"all": true}), 1, 1)
		backedUp := c.do("GET", "/api/v1/devices/"+id, nil)["last_backup_at"]
		list := func(state string) []object { return c.items("/api/v1/revisions?artifact=running.cfg&state=" + state) }
		whole := list("ACCEPTED")[0]["id"].(string)

		require.NoError(t, dev.SetFault(lab.Fault{Shrink: 1500}))
		var kept string
		for range 2 { // the second finds the same
			run := c.backup(object{"all": true})
			require.Equal(t, "FAILED", run["state"])
			require.EqualValues(t, 1, run["counts"].(object)["failed"])
			task := c.tasks(run)[0]
			require.Equal(t, false, task["changed"])
			require.EqualValues(t, 1, task["attempt"], "another try would end the same way")
			failure := task["failure"].(object)
			require.Equal(t, "SUSPECT", failure["class"])
			require.Len(t, list("SUSPECT"), 1)
			kept = list("SUSPECT")[0]["id"].(string)
			require.Contains(t, failure["hint"], "running.cfg has ")
			require.Contains(t, failure["hint"], "/api/v1/revisions/"+kept+":accept")
		}
		require.Equal(t, backedUp, c.do("GET", "/api/v1/devices/"+id, nil)["last_backup_at"])
		require.Equal(t, whole, list("ACCEPTED")[0]["id"])
		require.Equal(t, true, c.items("/api/v1/devices/" + id + "/revisions?artifact=running.cfg")[0]["suspect"])
		status, diff := c.raw("GET", "/api/v1/diff?from="+whole+"&to="+kept, nil)
		require.Equal(t, 200, status)
		require.Contains(t, string(diff), "running.cfg@suspect")

		// The whole takes its place.
		require.NoError(t, dev.SetFault(lab.Fault{}))
		c.succeeded(c.backup(object{"all": true}), 1, 0)
		require.Empty(t, list("SUSPECT"))
		c.refused(404, "REVISION_NOT_FOUND", "POST", "/api/v1/revisions/"+kept+":accept", object{})

		// A person lets it in, and it is what counts from then on.
		require.NoError(t, dev.SetFault(lab.Fault{Shrink: 1500}))
		require.Equal(t, "FAILED", c.backup(object{"all": true})["state"])
		kept = list("SUSPECT")[0]["id"].(string)
		for range 2 {
			accepted := c.do("POST", "/api/v1/revisions/"+kept+":accept", object{})
			require.Equal(t, kept, accepted["id"])
			require.EqualValues(t, 2, accepted["number"])
			require.Equal(t, false, accepted["suspect"])
			require.NotEmpty(t, accepted["commit"])
		}
		c.succeeded(c.backup(object{"all": true}), 1, 0)
		require.Contains(t, d.git("log", "-1", "--format=%(trailers)"), "NetRaven-Accepted-By: admin")
		require.NotContains(t, d.git("log", "-p"), labPassword)
		d.git("fsck", "--full", "--strict")
	})
}
