package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

// A run that asks for it keeps what was said and typed, of devices that answer and of those that fail; no secret is in it.
func TestTranscripts(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		dev := devices(t, 1, "cisco_ios").Devices()[0]
		id := c.add(dev, "")
		transcript := func(run object) string {
			t.Helper()
			out := c.do("GET", "/api/v1/tasks/"+c.tasks(run)[0]["id"].(string)+"/transcript", nil)
			text := out["text"].(string)
			require.Equal(t, dev.Info().Name, out["device_name"])
			require.NotContains(t, text, labPassword)
			require.NotContains(t, text, "community public")
			return text
		}
		asked := func(fault lab.Fault) object {
			require.NoError(t, dev.SetFault(fault))
			return c.backup(object{"device_ids": []string{id}, "params": object{"transcript": true}})
		}
		run := asked(lab.Fault{})
		c.succeeded(run, 1, 1)
		text := transcript(run)
		require.Contains(t, text, "\n>> show running-config")
		require.Contains(t, text, "snmp-server community <secret>")
		require.Contains(t, text, "\nhostname "+dev.Info().Name)
		require.Contains(t, transcript(asked(lab.Fault{Shrink: 1500})), "\n>> show running-config", "a suspect's as well")
		require.NoError(t, dev.SetFault(lab.Fault{LookAlikes: true}))
		require.Contains(t, transcript(c.wait(c.do("POST", "/api/v1/devices/"+id+":test", object{"transcript": true})["id"].(string))), "-- login")
		require.NoError(t, dev.SetFault(lab.Fault{RefuseLogin: true}))
		run = c.wait(c.do("POST", "/api/v1/devices/"+id+":test", object{"transcript": true})["id"].(string))
		require.Equal(t, "FAILED", run["state"])
		require.Contains(t, transcript(run), "-- login")
		require.NoError(t, dev.SetFault(lab.Fault{}))

		run = c.backup(object{"device_ids": []string{id}})
		c.refused(404, "TRANSCRIPT_NOT_FOUND", "GET", "/api/v1/tasks/"+c.tasks(run)[0]["id"].(string)+"/transcript", nil)
		c.refused(400, "PARAMS_INVALID", "POST", "/api/v1/runs", object{"kind": "reachability", "device_ids": []string{id}, "params": object{"transcript": true}})
	})
}
