package recording

import (
	"bufio"
	"io"
	"strings"
)

// dialog is one shell: what comes in is looked up in the recording.
type dialog struct {
	session *Session
	out     *output
	next    int    // the exchange after the last one that was played
	prompt  string // what stands on the last line
}

func (d *dialog) run(in io.Reader) {
	if !d.play(string(d.session.Greeting)) {
		return
	}
	r := bufio.NewReader(in)
	for {
		if e := d.upcoming(); e != nil && e.key() { // a pager waits: every other key is lost
			c, err := r.ReadByte()
			if err != nil {
				return
			}
			if string(c) == e.Send {
				d.next++
				if !d.play(string(e.Receive)) {
					return
				}
			}
			continue
		}
		line, err := readLine(r)
		if err != nil || !d.line(line) {
			return
		}
	}
}

// upcoming is the next exchange, or nil.
func (d *dialog) upcoming() *Exchange {
	if d.next < len(d.session.Exchanges) {
		return &d.session.Exchanges[d.next]
	}
	return nil
}

// line answers a typed line.
func (d *dialog) line(line string) bool {
	if e := d.upcoming(); e != nil && (e.Secret || e.Username) {
		d.next++
		return d.play(string(e.Receive))
	}
	if strings.TrimSpace(line) == "" {
		return d.play("\r\n" + d.prompt)
	}
	n := len(d.session.Exchanges)
	for k := range n { // the next one of that command, else an earlier one
		i := (d.next + k) % n
		if e := &d.session.Exchanges[i]; !e.key() && !e.Secret && e.command() == line {
			d.next = i + 1
			return d.play(string(e.Receive))
		}
	}
	switch line {
	case "exit", "quit", "logout":
		return false
	}
	return d.play(line + "\r\n% Unknown command\r\n" + d.prompt)
}

func (d *dialog) play(text string) bool {
	d.prompt = text[strings.LastIndexByte(text, '\n')+1:]
	return d.out.say(text)
}

// readLine reads up to CR, LF or CR LF.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return "", err
		case c == '\n' || c == '\r':
			if next, err := r.Peek(min(1, r.Buffered())); err == nil && c == '\r' && len(next) == 1 && next[0] == '\n' {
				_, _ = r.ReadByte()
			}
			return string(line), nil
		case c == 0x15: // what was typed is wiped
			line = line[:0]
		default:
			if line = append(line, c); len(line) > 1<<16 {
				return "", io.ErrShortBuffer
			}
		}
	}
}
