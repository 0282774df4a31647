package job

import (
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// newlines are the line ends that a device may be set to.
var newlines = map[inventoryv1.Device_Ssh_Newline]string{inventoryv1.Device_Ssh_LF: "\n", inventoryv1.Device_Ssh_CR: "\r", inventoryv1.Device_Ssh_CRLF: "\r\n"}

// aim says in a spec where the device is and how it is spoken to.
func aim(spec *jobv1.TaskSpec, t *inventoryv1.Target) {
	spec.DeviceName, spec.SiteName, spec.Address, spec.Port = t.GetDeviceName(), t.GetSiteName(), t.GetAddress(), t.GetPort()
	spec.Repository = t.GetRepository()
	spec.Platform, spec.PageDigest, spec.HostKeys = t.GetPlatform(), t.GetPageDigest(), t.GetHostKeys()
	policy := t.GetSsh().GetHostKeyPolicy()
	spec.TrustFirstKey = len(t.GetHostKeys()) == 0 && (policy == inventoryv1.Device_Ssh_TOFU || policy == inventoryv1.Device_Ssh_UNSPECIFIED)
	spec.InsecureHostKey = policy == inventoryv1.Device_Ssh_INSECURE
	if spec.HostCertificate = policy == inventoryv1.Device_Ssh_CA; spec.HostCertificate {
		spec.HostKeys, spec.HostCas = nil, t.GetHostCas()
	} else if !spec.InsecureHostKey {
		spec.NewHostKeyUntil = t.GetHostKeyWindowUntil()
	}
	spec.LegacyAlgorithms, spec.Newline = t.GetSsh().GetLegacy(), newlines[t.GetSsh().GetNewline()]
	spec.TerminalColumns, spec.TerminalRows = t.GetSsh().GetTerminalColumns(), t.GetSsh().GetTerminalRows()
	if options := t.GetSsh(); options != nil {
		spec.KeepaliveSeconds = options.KeepaliveSeconds
	}
}
