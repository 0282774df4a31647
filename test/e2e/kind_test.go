package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

// result is what the only task of an ended run found out.
func (c *client) result(run object) object {
	c.t.Helper()
	tasks := c.tasks(run)
	require.Len(c.t, tasks, 1)
	return c.do("GET", "/api/v1/tasks/"+tasks[0]["id"].(string)+"/result", nil)
}

// Commands, a login and a look at the port go the way of a backup, and what they find out is read at the task.
func TestWhatTheOtherKindsFindOut(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		kinds := c.items("/api/v1/job_kinds")
		require.Len(t, kinds, 4)
		require.Equal(t, "commands", kinds[1]["params"].([]any)[0].(object)["name"])
		l := devices(t, 1, "cisco_ios")
		dev := l.Devices()[0]
		id := c.add(dev, "")

		// Without a credential: the port, and nothing is pinned.
		run := c.wait(c.do("POST", "/api/v1/runs", object{"kind": "reachability", "device_ids": []string{id}, "params": object{"ssh_banner": true}})["id"].(string))
		c.succeeded(run, 1, 0)
		reach := c.result(run)["reachability"].(object)
		require.Positive(t, reach["tcp_ms"])
		require.Contains(t, reach["banner"], "SSH-2.0-")
		require.Empty(t, c.items("/api/v1/devices/"+id+"/host_keys"))
		require.NotEmpty(t, c.do("GET", "/api/v1/devices/"+id, nil)["last_seen_at"])

		c.addCredential()
		run = c.wait(c.do("POST", "/api/v1/devices/"+id+":test", object{})["id"].(string))
		c.succeeded(run, 1, 0)
		login := c.result(run)["login"].(object)
		for i, name := range []string{"connect", "host_key", "login", "enable", "prompt"} {
			stage := login["stages"].([]any)[i].(object)
			require.Equal(t, name, stage["name"])
			require.Equal(t, true, stage["ok"])
		}
		keys := c.items("/api/v1/devices/" + id + "/host_keys")
		require.Len(t, keys, 1)
		require.Equal(t, keys[0]["fingerprint"], login["host_key_fingerprint"])
		require.Equal(t, "lab", login["credential"])

		run = c.wait(c.do("POST", "/api/v1/runs", object{"kind": "command", "device_ids": []string{id},
			"params": object{"commands": []string{"show version", "show running-config"}}})["id"].(string))
		c.succeeded(run, 1, 0)
		out := c.result(run)
		require.Equal(t, dev.Info().Name, out["device_name"])
		commands := out["commands"].([]any)
		require.Len(t, commands, 2)
		require.Contains(t, commands[0].(object)["output"], "Cisco IOS")
		require.Contains(t, commands[1].(object)["output"], "<secret>")
		require.NotContains(t, fmt.Sprint(out), labPassword)
		require.Nil(t, out["login"])

		// What is not known only to read is refused before there is a run.
		params := object{"commands": []string{"reload"}}
		c.refused(400, "COMMAND_NOT_READ_ONLY", "POST", "/api/v1/runs", object{"kind": "command", "device_ids": []string{id}, "params": params})
		backup := c.backup(object{"device_ids": []string{id}})
		c.refused(404, "RESULT_NOT_FOUND", "GET", "/api/v1/tasks/"+c.tasks(backup)[0]["id"].(string)+"/result", nil)

		// How a device fails is the answer: one attempt, at once.
		require.NoError(t, dev.SetFault(lab.Fault{RefuseLogin: true}))
		run = c.wait(c.do("POST", "/api/v1/devices/"+id+":test", object{})["id"].(string))
		require.Equal(t, "FAILED", run["state"])
		require.Equal(t, "AUTH", c.tasks(run)[0]["failure"].(object)["class"])
		stages := c.result(run)["login"].(object)["stages"].([]any)
		require.Equal(t, false, stages[len(stages)-1].(object)["ok"])
		require.NoError(t, dev.SetFault(lab.Fault{Down: true}))
		run = c.wait(c.do("POST", "/api/v1/devices/"+id+":test", object{})["id"].(string))
		require.Equal(t, "UNREACHABLE", c.tasks(run)[0]["failure"].(object)["class"])
		require.EqualValues(t, 1, c.tasks(run)[0]["attempt"])
	})
}
