package lab_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

// mainCommand reads the configuration of each platform on an exec channel.
var mainCommand = map[string]string{
	"cisco_ios":         "show running-config",
	"arista_eos":        "show running-config | no-more",
	"juniper_junos":     "show configuration | display omit",
	"mikrotik_routeros": "/export show-sensitive",
	"linux":             "cat /etc/hosts",
}

// TestFaultsOfEveryPlatform reads each platform's configuration under each
// fault that is about its bytes.
func TestFaultsOfEveryPlatform(t *testing.T) {
	for platform, command := range mainCommand {
		d := single(t, lab.DeviceSpec{Name: "dut", Platform: platform})
		whole, err := runExec(t, d, command)
		require.NoError(t, err)
		require.Greater(t, len(whole), 6000)
		read := func(t *testing.T, f lab.Fault) (string, error) {
			require.NoError(t, d.SetFault(f))
			return runExec(t, d, command)
		}
		t.Run(platform+"/truncate", func(t *testing.T) {
			out, err := read(t, lab.Fault{Truncate: 3000})
			require.NoError(t, err)
			assert.LessOrEqual(t, len(out), 3000)
			assert.True(t, strings.HasSuffix(out, "\n"))
		})
		t.Run(platform+"/drop", func(t *testing.T) {
			out, err := read(t, lab.Fault{DropAfter: 2000})
			require.Error(t, err)
			assert.LessOrEqual(t, len(out), 2000)
		})
		t.Run(platform+"/chunk", func(t *testing.T) {
			out, err := read(t, lab.Fault{Chunk: 7, Latency: lab.Duration(time.Millisecond)})
			require.NoError(t, err)
			assert.InDelta(t, len(whole), len(out), 8, "only volatile numbers differ")
		})
		t.Run(platform+"/flood", func(t *testing.T) {
			out, err := read(t, lab.Fault{Flood: 1 << 20})
			require.NoError(t, err)
			assert.Greater(t, len(out), 900<<10, "LF line ends make it shorter")
		})
		t.Run(platform+"/silence", func(t *testing.T) {
			require.NoError(t, d.SetFault(lab.Fault{SilenceAfter: 1500}))
			c := mustDial(t, d)
			s, err := c.NewSession()
			require.NoError(t, err)
			out, err := s.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, s.Start(command))
			_, err = io.ReadFull(out, make([]byte, 1500))
			require.NoError(t, err)
			require.NoError(t, c.Close())
		})
		t.Run(platform+"/no_prompt", func(t *testing.T) {
			require.NoError(t, d.SetFault(lab.Fault{NoPrompt: true}))
			sh := openShell(t, d)
			sh.send("\r\nexit\r\n")
			assert.NotRegexp(t, `dut(:~)?[#>$] ?$`, sh.rest())
		})
	}
}
