package device

import (
	"net"
	"sync/atomic"
)

// meter is the connection as the SSH library sees it. It notes how it began, because a connection that
// closes before the first byte means something else than one that closes after it; and it reads ahead,
// because the library reads the version line byte by byte, each one a system call.
type meter struct {
	net.Conn
	begun atomic.Int32 // 0, or the first byte + 1
	ahead []byte       // read and not yet asked for
	space [256]byte
}

// Read reads at most len(b) bytes. Like the connection's own, it may not be called concurrently.
func (m *meter) Read(b []byte) (int, error) {
	if len(m.ahead) == 0 {
		if len(b) >= len(m.space) {
			n, err := m.Conn.Read(b)
			m.note(b[:n])
			return n, err
		}
		n, err := m.Conn.Read(m.space[:])
		if n == 0 {
			return 0, err
		}
		m.ahead = m.space[:n] // an error comes again
		m.note(m.ahead)
	}
	n := copy(b, m.ahead)
	m.ahead = m.ahead[n:]
	return n, nil
}

func (m *meter) note(b []byte) {
	if len(b) > 0 && m.begun.Load() == 0 {
		m.begun.Store(int32(b[0]) + 1)
	}
}

// silent reports that nothing ever came.
func (m *meter) silent() bool { return m.begun.Load() == 0 }

// foreign reports that what came first is not how SSH begins. Servers may send lines before their
// version; few do.
func (m *meter) foreign() bool { return !m.silent() && m.begun.Load() != 'S'+1 }
