package inventory

import (
	"strings"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	minColumns, maxColumns = 20, 511
	minRows, maxRows       = 5, 10000
	maxKeepalive           = 600
)

// checkSSH answers the options with defaults filled in.
func checkSSH(in *inventoryv1.Device_Ssh) (*inventoryv1.Device_Ssh, error) {
	out := &inventoryv1.Device_Ssh{Legacy: in.GetLegacy(), HostKeyPolicy: in.GetHostKeyPolicy(), Newline: in.GetNewline(),
		TerminalColumns: in.GetTerminalColumns(), TerminalRows: in.GetTerminalRows()}
	if in != nil {
		out.KeepaliveSeconds = in.KeepaliveSeconds
	}
	var err error
	if out.HostKeyCa, err = checkAuthorities("ssh.host_key_ca", in.GetHostKeyCa()); err != nil {
		return nil, err
	}
	if out.HostKeyPolicy == inventoryv1.Device_Ssh_UNSPECIFIED {
		out.HostKeyPolicy = inventoryv1.Device_Ssh_TOFU
	}
	switch {
	case inventoryv1.Device_Ssh_HostKeyPolicy_name[int32(out.HostKeyPolicy)] == "":
		return nil, errs.Invalid("ssh.host_key_policy", "UNKNOWN", "must be one of "+enumNames(inventoryv1.Device_Ssh_HostKeyPolicy_name))
	case inventoryv1.Device_Ssh_Newline_name[int32(out.Newline)] == "":
		return nil, errs.Invalid("ssh.newline", "UNKNOWN", "must be one of "+enumNames(inventoryv1.Device_Ssh_Newline_name))
	case out.TerminalColumns != 0 && (out.TerminalColumns < minColumns || out.TerminalColumns > maxColumns):
		return nil, errs.Invalid("ssh.terminal_columns", "OUT_OF_RANGE", "must be 20 to 511, or 0 for the default")
	case out.TerminalRows != 0 && (out.TerminalRows < minRows || out.TerminalRows > maxRows):
		return nil, errs.Invalid("ssh.terminal_rows", "OUT_OF_RANGE", "must be 5 to 10000, or 0 for the default")
	case out.GetKeepaliveSeconds() < 0 || out.GetKeepaliveSeconds() > maxKeepalive:
		return nil, errs.Invalid("ssh.keepalive_seconds", "OUT_OF_RANGE", "must be 1 to 600, or 0 for none")
	}
	return out, nil
}

// enumNames lists what may be said, in the contract's order; the first value means: not said.
func enumNames(names map[int32]string) string {
	var all []string
	for n := int32(1); names[n] != ""; n++ {
		all = append(all, names[n])
	}
	return strings.Join(all, ", ")
}

// mergeSSH puts one masked option of sent over now; false: there is no such option.
func mergeSSH(now, sent *inventoryv1.Device_Ssh, path string) bool {
	switch path {
	case "legacy":
		now.Legacy = sent.GetLegacy()
	case "host_key_policy":
		now.HostKeyPolicy = sent.GetHostKeyPolicy()
	case "newline":
		now.Newline = sent.GetNewline()
	case "terminal_columns":
		now.TerminalColumns = sent.GetTerminalColumns()
	case "terminal_rows":
		now.TerminalRows = sent.GetTerminalRows()
	case "keepalive_seconds":
		now.KeepaliveSeconds = nil
		if sent != nil {
			now.KeepaliveSeconds = sent.KeepaliveSeconds
		}
	case "host_key_ca":
		now.HostKeyCa = sent.GetHostKeyCa()
	default:
		return false
	}
	return true
}

// sshOf is a row's options.
func sshOf(legacy bool, policy, newline string, columns, rows int32, keepalive *int32) *inventoryv1.Device_Ssh {
	return &inventoryv1.Device_Ssh{
		Legacy: legacy, HostKeyPolicy: inventoryv1.Device_Ssh_HostKeyPolicy(inventoryv1.Device_Ssh_HostKeyPolicy_value[policy]),
		Newline: inventoryv1.Device_Ssh_Newline(inventoryv1.Device_Ssh_Newline_value[newline]), TerminalColumns: columns, TerminalRows: rows,
		KeepaliveSeconds: keepalive,
	}
}

// newlineText is a line end in a row; empty: the platform's.
func newlineText(n inventoryv1.Device_Ssh_Newline) string {
	if n == inventoryv1.Device_Ssh_NEWLINE_UNSPECIFIED {
		return ""
	}
	return n.String()
}
