package lab

import (
	"strings"

	"golang.org/x/crypto/ssh"
)

// flushAt bounds what a wire holds back.
const flushAt = 32 << 10

// lookAlikes is what a prompt detector must not fall for.
const lookAlikes = "\r\n######## core-sw1# ########\r\nrouter>\r\nadmin@edge-1> \r\n[admin@MikroTik] > \r\n" +
	"# Authorised use only #\r\nPassword:\r\n --More-- \r\nroot@host:~# \r\nUnauthorised access is logged >>>\r\n$\r\n"

// wire carries a channel's output and applies the faults that are about
// bytes. It gathers writes, so that an echo, an answer and a prompt are one
// SSH packet as they would be on a device.
type wire struct {
	ch   ssh.Channel
	peer *peer
	dev  *Device
	buf  []byte
	sent int64
	ends int
	err  error
	// lf turns CR LF into LF: an exec channel without a terminal.
	lf bool
}

func (w *wire) write(text string) {
	if w.err != nil {
		return
	}
	if w.lf {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	w.buf = append(w.buf, text...)
	if len(w.buf) >= flushAt {
		w.flush()
	}
}

// flush sends what was gathered. After SilenceAfter bytes it blocks until the
// client has gone; after that it fails.
func (w *wire) flush() {
	if w.err != nil || len(w.buf) == 0 {
		return
	}
	b, f := w.buf, w.dev.Fault()
	w.buf = w.buf[:0]
	if f.LineEnds {
		b = w.mixEnds(b)
	}
	limit := f.SilenceAfter
	if limit == 0 || f.DropAfter > 0 && f.DropAfter < limit {
		limit = f.DropAfter
	}
	if left := limit - w.sent; limit > 0 && left < int64(len(b)) {
		w.send(b[:max(left, 0)], f.Chunk)
		if limit == f.DropAfter {
			_ = w.peer.Close()
		}
		<-w.peer.done
		w.err = errRefused
		return
	}
	w.send(b, f.Chunk)
}

func (w *wire) send(b []byte, chunk int) {
	if chunk <= 0 {
		chunk = len(b)
	}
	for len(b) > 0 && w.err == nil {
		part := b[:min(chunk, len(b))]
		w.dev.tally.sent(int64(len(part))) // before the client can have seen them
		n, err := w.ch.Write(part)
		w.sent += int64(n)
		w.err = err
		b = b[n:]
	}
}

// mixEnds gives each line another end than the one before.
func (w *wire) mixEnds(b []byte) []byte {
	ends := [...]string{"\r\n", "\n", "\r\r\n", "\n\r"}
	var out strings.Builder
	for i, line := range strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n") {
		if i > 0 {
			out.WriteString(ends[w.ends%len(ends)])
			w.ends++
		}
		out.WriteString(line)
	}
	return []byte(out.String())
}
