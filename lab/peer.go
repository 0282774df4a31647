package lab

import "net"

// peer is one client's connection, once it has been accepted.
type peer struct {
	net.Conn
	// done is closed when the SSH connection has ended.
	done chan struct{}
}

// reset closes p so that the client sees a reset rather than an orderly end.
func (p *peer) reset() {
	if tcp, ok := p.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails only on a dead socket, which is the aim
	}
	_ = p.Close()
}
