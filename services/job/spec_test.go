package job

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

func TestASpecSaysHowTheDeviceIsSpokenTo(t *testing.T) {
	spec := &jobv1.TaskSpec{TaskId: "t"}
	aim(spec, &inventoryv1.Target{DeviceName: "r1", Address: "192.0.2.1", Port: 2222, Platform: "cisco_ios", HostKeys: [][]byte{{1}},
		Ssh: &inventoryv1.Device_Ssh{Legacy: true, HostKeyPolicy: inventoryv1.Device_Ssh_STRICT, Newline: inventoryv1.Device_Ssh_CR, TerminalColumns: 80,
			TerminalRows: 24, KeepaliveSeconds: proto.Int32(0)}})
	require.True(t, proto.Equal(&jobv1.TaskSpec{TaskId: "t", DeviceName: "r1", Address: "192.0.2.1", Port: 2222, Platform: "cisco_ios", HostKeys: [][]byte{{1}},
		LegacyAlgorithms: true, Newline: "\r", TerminalColumns: 80, TerminalRows: 24, KeepaliveSeconds: proto.Int32(0)}, spec), "%v", spec)
}
