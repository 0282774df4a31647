package platforms

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// In these texts a block ends as the whole does, or in a word that begins so ("end-policy"): behind one only the prompt tells.
var blockEnds = map[string]string{
	"cisco_xr":           "end",
	"fortinet_fortigate": "end", "fortinet_fortimanager": "end", "fortinet_fortiswitch": "end",
}

// Wherever it is cut, half a configuration is never taken for a whole one, even where the prompt seems to have come back. Between two
// top-level blocks the text alone cannot tell: there the end of file or the prompt must.
func TestTruncatedIsIncomplete(t *testing.T) {
	for _, s := range sessions(t) {
		page, _ := Builtin().Lookup(s.Page)
		main := page.Main()
		if !main.Rule(0).InText() {
			continue
		}
		text := strings.TrimRight(s.Artifacts[main.Name].Said, "\n")
		for n := range len(text) {
			if main.VerifyBy(main.Rule(0), []byte(text[:n]), Ending{PromptTwice: true}) != nil {
				continue
			}
			if end := blockEnds[s.Page]; end != "" {
				assert.Equal(t, end, lastOf(text[:n]), "%s cut at %d", s.Page, n)
				continue
			}
			assert.NotEmpty(t, main.Rule(0).Balanced, "%s cut at %d", s.Page, n)
			assert.Regexp(t, `\n\}\n?$`, text[:n], "%s cut at %d", s.Page, n)
		}
	}
}

func lastOf(text string) string {
	all := lines(strings.TrimRight(text, "\n"))
	return all[len(all)-1]
}

// What is a configuration has an end that is looked for, the optional ones too.
func TestConfigurationsHaveAnEnd(t *testing.T) {
	for _, e := range Builtin().List() {
		page, _ := Builtin().Lookup(e.Name)
		for _, a := range page.Backup {
			if a.Fetch == "" && (a.Each != nil || slices.Contains([]string{".cfg", ".conf", ".xml", ".rsc"}, filepath.Ext(a.Name))) {
				assert.NotEqual(t, Complete{}, a.Complete, "%s %s", e.Name, a.Name)
			}
		}
	}
}

// A marker that we have the device print comes too where what it stands behind said nothing.
func TestMarkerAloneIsNoise(t *testing.T) {
	for name, marker := range map[string]string{
		"linux": "### end\n", "openwrt": "# end\n", "ubiquiti_airos": "# end\n", "ubiquiti_unifi_ap": "# end\n", "mikrotik_routeros": "# end of export\r\n",
	} {
		page, _ := Builtin().Lookup(name)
		main := page.Main()
		assert.Nil(t, main.VerifyBy(main.Rule(0), []byte("a\n"+marker), Ending{}), name)
		assert.Empty(t, string(main.Clean([]byte(marker))), name)
		if strings.Contains(main.Send[0], "echo") && name != "linux" {
			assert.Contains(t, main.Send[0], " && echo ", "%s: a marker behind a command that failed", name)
		}
	}
}

// Where a menu does not answer, RouterOS goes on with the next one.
func TestExportWithAGapIsIncomplete(t *testing.T) {
	page, _ := Builtin().Lookup("mikrotik_routeros")
	main, zero := page.Main(), 0
	for line, whole := range map[string]bool{
		`#error exporting "/interface/wifi" (timeout)`:         false,
		`#error exporting "/interface/bridge/calea" (timeout)`: false,
		"#error exporting /ip dhcp-server option sets":         false,
		`#error exporting "/ip/firewall/address-list"`:         false,
		"#interrupted": false,
		"#error exporting /interface bridge calea":               true,
		"#error exporting /interface/bridge/calea":               true,
		`#error exporting "/system/routerboard/mode-button"`:     true,
		"#error exporting /tool user-manager profile limitation": true,
		`#error exporting "/figman/peer"`:                        true,
		`add comment="#error exporting /ip" name=a`:              true,
		"add comment=a \\\r\n    name=\"#interrupted\"":          true,
	} {
		text := []byte("# 2026-11-02 10:00:00 by RouterOS 7.16\r\n/system identity\r\nset name=a\r\n" + line + "\r\n/ip dns\r\n# end of export\r\n")
		for i, send := range main.Send {
			got := main.VerifyBy(main.Rule(i), text, Ending{Exit: &zero, PromptTwice: true})
			if whole {
				assert.Nil(t, got, "%s: %s", send, line)
				continue
			}
			require.NotNil(t, got, "%s: %s", send, line)
			assert.Equal(t, "gap", got.Rule)
		}
	}
}

// MD-CLI writes a context above its prompt, which ends nothing.
func TestContextEndsNoConfiguration(t *testing.T) {
	page, _ := Builtin().Lookup("nokia_sros")
	main := page.Main()
	whole := "configure {\n}\n\n# Finished 2026-11-02T10:00:01.1+00:00\n"
	for _, context := range []string{"[]", "[/]", "*[pr:/configure router \"Base\"]", "!*[ex:/configure]", "*(ro)[]"} {
		assert.NotNil(t, main.VerifyBy(main.Rule(0), []byte("configure {\n\n"+context+"\n"), Ending{PromptTwice: true}), context)
		assert.Nil(t, main.VerifyBy(main.Rule(0), []byte(whole+"\n"+context+"\n"), Ending{}), context)
		assert.Equal(t, "configure {\n}\n", string(main.Clean([]byte(whole+"\n"+context+"\n"))), context)
	}
	bof := page.Backup[1]
	assert.NotNil(t, bof.VerifyBy(bof.Rule(0), []byte("bof {\n    license {\n"), Ending{PromptTwice: true}))
	assert.NotNil(t, bof.VerifyBy(bof.Rule(1), []byte("BOF (Memory)\n====================\n    primary-image cf3:\n"), Ending{PromptTwice: true}))
}

// Any name but that of the default partition is one that the main artifact does not hold.
func TestPartitionsOfEveryNameAreListed(t *testing.T) {
	page, _ := Builtin().Lookup("citrix_netscaler")
	list := "1)\tPartition Name: default\n2)\tPartition Name: dev  Max Bandwidth: 10240\n3)\tPartition Name: d\n4)\tPartition Name: default-2\n5)\tPartition Name: shop\n Done\n"
	assert.Equal(t, []string{"dev", "d", "default-2", "shop"}, page.Backup[1].Each.Items([]byte(list)))
}
