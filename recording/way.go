package recording

import (
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Way is how a session is served. The zero value serves it as it was recorded.
type Way struct {
	// Chunk cuts the output into packets of at most that many bytes.
	Chunk int
	// CRLF makes each bare LF a CR LF.
	CRLF bool
	// Pause comes before each answer.
	Pause time.Duration
	// Cut breaks the connection after that many bytes of a channel.
	Cut int
	// Stall is silence after that many bytes of a channel.
	Stall int
}

// output is a channel that is written to in a way.
type output struct {
	ssh.Channel
	conn net.Conn
	way  Way
	sent int
}

// say writes text. False means that nothing more may follow.
func (o *output) say(text string) bool {
	if o.way.CRLF {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	}
	if o.way.Pause > 0 {
		time.Sleep(o.way.Pause)
	}
	stop := max(o.way.Cut, o.way.Stall)
	for text != "" {
		n := len(text)
		if o.way.Chunk > 0 {
			n = min(n, o.way.Chunk)
		}
		if stop > 0 {
			n = min(n, stop-o.sent)
		}
		if _, err := o.Write([]byte(text[:n])); err != nil {
			return false
		}
		o.sent += n
		text = text[n:]
		if stop > 0 && o.sent >= stop {
			return o.end()
		}
	}
	return true
}

// end breaks off: the connection closes, or nothing more comes until the client gives up.
func (o *output) end() bool {
	if o.way.Cut > 0 {
		_ = o.conn.Close()
		return false
	}
	drain := make([]byte, 1024)
	for {
		if _, err := o.Read(drain); err != nil {
			return false
		}
	}
}
