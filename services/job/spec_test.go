package job

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

func TestASpecSaysWhichHostKeysAreTrusted(t *testing.T) {
	until := timestamppb.New(time.Unix(1_800_000_000, 0))
	target := func(policy inventoryv1.Device_Ssh_HostKeyPolicy) *inventoryv1.Target {
		return &inventoryv1.Target{HostKeys: [][]byte{{1}}, HostCas: [][]byte{{2}}, HostKeyWindowUntil: until, Ssh: &inventoryv1.Device_Ssh{HostKeyPolicy: policy}}
	}
	for policy, want := range map[inventoryv1.Device_Ssh_HostKeyPolicy]*jobv1.TaskSpec{
		inventoryv1.Device_Ssh_TOFU:     {HostKeys: [][]byte{{1}}, NewHostKeyUntil: until},
		inventoryv1.Device_Ssh_STRICT:   {HostKeys: [][]byte{{1}}, NewHostKeyUntil: until},
		inventoryv1.Device_Ssh_INSECURE: {HostKeys: [][]byte{{1}}, InsecureHostKey: true},
		inventoryv1.Device_Ssh_CA:       {HostCertificate: true, HostCas: [][]byte{{2}}},
	} {
		spec := &jobv1.TaskSpec{}
		aim(spec, target(policy))
		require.True(t, proto.Equal(want, spec), "%s: %v", policy, spec)
	}
}

func TestASpecSaysHowTheDeviceIsSpokenTo(t *testing.T) {
	spec := &jobv1.TaskSpec{TaskId: "t"}
	aim(spec, &inventoryv1.Target{DeviceName: "r1", Address: "192.0.2.1", Port: 2222, Platform: "cisco_ios", HostKeys: [][]byte{{1}},
		Ssh: &inventoryv1.Device_Ssh{Legacy: true, HostKeyPolicy: inventoryv1.Device_Ssh_STRICT, Newline: inventoryv1.Device_Ssh_CR, TerminalColumns: 80,
			TerminalRows: 24, KeepaliveSeconds: proto.Int32(0)}})
	require.True(t, proto.Equal(&jobv1.TaskSpec{TaskId: "t", DeviceName: "r1", Address: "192.0.2.1", Port: 2222, Platform: "cisco_ios", HostKeys: [][]byte{{1}},
		LegacyAlgorithms: true, Newline: "\r", TerminalColumns: 80, TerminalRows: 24, KeepaliveSeconds: proto.Int32(0)}, spec), "%v", spec)
}
