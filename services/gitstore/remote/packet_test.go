package remote_test

import (
	"testing"

	"github.com/netraven/netraven/services/gitstore/remote"
)

// Whatever a server sends is read to an end without a panic.
func FuzzServersWords(f *testing.F) {
	f.Add([]byte("00640000000000000000000000000000000000000000 capabilities^{}\x00report-status side-band-64k ofs-delta\n0000"))
	f.Add([]byte("003d0123456789012345678901234567890123456789 refs/heads/main\n0000"))
	f.Add([]byte("0030\x01000eunpack ok\n0019ok refs/heads/main\n00000000"))
	f.Add([]byte("000eunpack ok\n0023ng refs/heads/main no, really\n0000"))
	f.Add([]byte("0009\x02hi!\n0008\x03bye0004fff0"))
	f.Fuzz(func(_ *testing.T, b []byte) { remote.ReadAll(b) })
}
