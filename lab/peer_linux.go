package lab

import (
	"net"

	"golang.org/x/sys/unix"
)

// tcpEstablished is TCP_ESTABLISHED of the kernel's netinet/tcp.h; any other
// state of an accepted connection means that one side has said its last.
const tcpEstablished = 1

// hungUp says that the client has closed its end, whether or not our reader
// has come to notice.
func (p *peer) hungUp() bool {
	tcp, ok := p.Conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		gone = err == nil && info.State != tcpEstablished
	})
	return gone || err != nil
}
