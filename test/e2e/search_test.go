package e2e

import (
	"fmt"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

// A line is found in the newest configurations, wherever it is, and nowhere else.
func TestTheNewestConfigurationsAreSearched(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		l := devices(t, 3, "cisco_ios")
		ids := map[string]string{}
		for _, dev := range l.Devices() {
			ids[dev.Info().Name] = c.add(dev, "")
		}
		c.succeeded(c.backup(object{"all": true}), 3, 3)
		search := func(query string) []object { return c.items("/api/v1/configs:search?" + query) }
		require.Empty(t, search("q=zebra-crossing-4711"))
		require.Len(t, search("regex=true&q="+url.QueryEscape(`^hostname \S+$`)), 3)

		changed := l.Devices()[0]
		require.NoError(t, changed.Change(lab.Change{Describe: "zebra-crossing-4711 for the e2e suite"}))
		c.succeeded(c.backup(object{"all": true}), 3, 1)
		id := ids[changed.Info().Name]
		for _, query := range []string{"q=zebra-crossing-4711", "q=ZEBRA-Crossing&ignore_case=true", "regex=true&q=zebra.*suite", "q=zebra-crossing&device_ids=" + id,
			"q=zebra-crossing&platforms=ios&tags=default&artifact=running.cfg"} {
			hits := c.items("/api/v1/search?context=1&" + query)
			require.Len(t, hits, 1, query)
			require.Equal(t, id, hits[0]["device_id"])
			require.Equal(t, changed.Info().Name, hits[0]["device_name"])
			require.Equal(t, "running.cfg", hits[0]["artifact"])
			require.Contains(t, hits[0]["text"], "zebra-crossing-4711 for the e2e suite")
			require.Len(t, hits[0]["before"], 1)
			require.Equal(t, c.items("/api/v1/devices/" + id + "/revisions?artifact=running.cfg")[0]["id"], hits[0]["revision_id"])
		}
		require.Empty(t, search("q=zebra-crossing&platforms=arista_eos"))
		require.Empty(t, search("q="+labPassword), "masked text only")
		require.NotEmpty(t, search("q="+url.QueryEscape("<secret:")))
		newest := c.items("/api/v1/devices/" + id + "/revisions?artifact=running.cfg")[0]["id"].(string)
		_, config := c.raw("GET", "/api/v1/revisions/"+newest+"/content?view=restorable", nil)
		community := regexp.MustCompile(`snmp-server community (\S+) RO`).FindStringSubmatch(string(config))[1]
		holders := c.do("POST", "/api/v1/configs:search", object{"secret": community})["items"].([]any)
		require.Len(t, holders, 1, "a community of its own")
		require.Equal(t, id, holders[0].(object)["device_id"])
		require.NotContains(t, fmt.Sprint(holders), community)
		c.refused(400, "PATTERN_INVALID", "GET", "/api/v1/search?regex=true&q=(", nil)

		require.NoError(t, changed.Change(lab.Change{Describe: "nothing of interest"}))
		c.succeeded(c.backup(object{"all": true}), 3, 1)
		require.Empty(t, search("q=zebra-crossing-4711"))
		past := search("history=true&q=zebra-crossing-4711")
		require.Len(t, past, 1, "once, whatever the number of revisions")
		require.Equal(t, newest, past[0]["revision_id"])
		presence := past[0]["presence"].(object)
		require.Equal(t, []any{newest, 2.0}, []any{presence["first_revision_id"], presence["first_number"]})
		require.Equal(t, c.items("/api/v1/devices/" + id + "/revisions?artifact=running.cfg")[0]["id"], presence["gone_revision_id"])
		require.Empty(t, search("history=true&q=zebra-crossing-4711&until="+url.QueryEscape(presence["first_at"].(string))))
		require.Empty(t, search("history=true&q=zebra-crossing-4711&since="+url.QueryEscape(presence["gone_at"].(string))))

		c.do("DELETE", "/api/v1/devices/"+id, nil)
		require.Len(t, search("regex=true&q="+url.QueryEscape(`^hostname \S+$`)), 2, "a device that is gone is not searched")
		past = search("history=true&q=zebra-crossing-4711")
		require.Len(t, past, 1, "its history is")
		require.NotNil(t, past[0]["presence"].(object)["device_deleted_at"])
	})
}
