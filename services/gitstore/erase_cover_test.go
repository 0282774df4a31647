package gitstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
)

// All of one of two devices that had a name is erased: the other's file is there again, and is not put there once more. Who is covered by a third one stays it.
func TestErasingADeviceUncoversTheOneBelow(t *testing.T) {
	for name, c := range map[string]struct {
		erases int // of the devices that lay there, the one
		third  bool
	}{"the one above": {1, false}, "the one below": {0, false}, "one of three": {1, true}} {
		t.Run(name, func(t *testing.T) {
			h, devices := open(t), []string{newID(), newID(), newID()}
			texts := []string{config1, config2, plain(3)}
			h.put(h.result(devices[0], "r1", texts[0]))
			h.put(h.result(devices[1], "r1", texts[1]))
			if c.third {
				h.put(h.result(devices[2], "r1", texts[2]))
			}
			if c.erases == 0 { // which lies above then
				h.put(unchanged(h.result(devices[0], "r1", texts[0])))
			}
			require.Len(t, h.column("SELECT name FROM artifact WHERE NOT covered"), 1)

			h.erase(gitstore.EraseConfig{Devices: []string{devices[c.erases]}, Whole: true})
			require.Len(t, h.column("SELECT name FROM artifact WHERE NOT covered"), 1)
			require.Empty(t, h.verify())
			image := h.image()
			h.reindex(false)
			require.Equal(t, image, h.image())
			if c.third {
				return
			}
			commits, left := h.commits(), 1-c.erases
			h.start()
			h.put(unchanged(h.result(devices[left], "r1", texts[left])))
			require.Equal(t, commits, h.commits(), "git has it")
			h.sound("configs")
		})
	}
}
