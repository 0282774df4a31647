package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A page that was given a moment ago is what the agents work by: nothing is built again, restarted or upgraded.
func TestACustomPlatformIsBackedUp(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		page := `name: house_ios
label: Switches of this house
login:
  prompt: '^[\w.\-()]{1,64}[>#] ?$'
  enable: {when: '> ?$', send: enable, expect: '(?i)password: ?$'}
  setup: terminal length 0
backup:
  artifact: house.cfg
  send: show running-config
  complete: {last_line: '^end$'}
  drop: ['^Current configuration', '^! Last configuration change', '^! NVRAM config', '^ntp clock-period ']
secrets: ['^hostname (\S+)']
`
		require.Equal(t, "API", c.do("POST", "/api/v1/platforms", object{"page": page})["origin"])
		info := devices(t, 1, "cisco_ios").Devices()[0].Info()
		device := c.do("POST", "/api/v1/devices", object{"name": info.Name, "address": info.Address, "port": info.Port, "platform": "house_ios"})["id"].(string)
		c.succeeded(c.backup(object{"all": true}), 1, 1)
		revision := c.items("/api/v1/devices/" + device + "/revisions?artifact=house.cfg")[0]["id"].(string)
		_, text := c.raw("GET", "/api/v1/revisions/"+revision+"/content", nil)
		require.Regexp(t, `(?m)^hostname <secret:`, string(text), "the page's own rules mask")

		c.do("PATCH", "/api/v1/platforms/house_ios", object{"page": page + "# the same, said anew\n"})
		c.succeeded(c.backup(object{"all": true}), 1, 0)
	})
}
