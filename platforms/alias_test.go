package platforms

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What another tool calls a device finds its page.
func TestNamesOfOtherTools(t *testing.T) {
	for alias, name := range map[string]string{
		"aruba_osswitch": "hp_procurve", "cisco_s200": "cisco_s300", "linksyssrw": "cisco_s300", "brocade_vyos": "vyos", "fiberstore_fsosv2": "fs_fsos",
		"ubiquiti_unifiswitch": "ubiquiti_edgeswitch", "ovs_linux": "linux", "dellx": "dell_powerconnect", "zynosmgs": "zyxel_zynos",
		"cisco_xe": "cisco_ios", "dell_force10": "dell_os9", "f5_tmsh": "f5_tmos", "netscaler": "citrix_netscaler",
	} {
		page, ok := Builtin().Lookup(alias)
		require.True(t, ok, alias)
		assert.Equal(t, name, page.Name, alias)
	}
}

// A UniFi switch has the command line of an EdgeSwitch behind a shell that must not be taken for it.
func TestShellInFrontOfASwitch(t *testing.T) {
	page, _ := Builtin().Lookup("ubiquiti_unifiswitch")
	for _, shell := range []string{"US.v4.0.42# ", "core-1-US.6.5.59# ", "USXG.v4.3.13# "} {
		_, prompt := page.Login.Prompt.AtEnd([]byte(shell))
		assert.False(t, prompt, shell)
		_, asked := page.Login.Answers[0].Expect.AtEnd([]byte("\n" + shell))
		assert.True(t, asked, shell)
	}
	_, prompt := page.Login.Prompt.AtEnd([]byte("(UBNT) >"))
	assert.True(t, prompt)
	_, asked := page.Login.Answers[0].Expect.AtEnd([]byte("(UBNT) >"))
	assert.False(t, asked)
}
