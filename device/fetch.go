package device

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// Fetch copies one file from the device (the SCP protocol over an exec channel) and blocks until it is
// here, whole: the protocol states the length. Nil without a failure means that the device has no such
// file or does not copy files.
func (s *Session) Fetch(path string, timeout time.Duration) ([]byte, *jobv1.Failure) {
	s.enter("command")
	if timeout <= 0 {
		timeout = s.limits.Command
	}
	s.link.watch.begin(timeout, s.limits.Silence)
	channel, requests, err := s.link.client.OpenChannel("session", nil)
	if err != nil {
		return nil, s.finish(s.channelRefused(err))
	}
	s.link.served.Go(func() { ssh.DiscardRequests(requests) })
	defer channel.Close()
	quoted := "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	if !strings.ContainsAny(path, " '\"\\$`;&|<>*?()") {
		quoted = path // few devices have a shell that would remove the quotes
	}
	ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{"scp -f " + quoted}))
	if err == nil && !ok {
		return nil, nil
	}
	var text []byte
	if err == nil {
		text, err = s.receive(channel)
	}
	switch {
	case err == nil:
		return text, nil
	case s.link.watch.reason() != open:
		return nil, s.finish(s.cutOff(s.link.watch.reason()))
	case errors.Is(err, errNoFile):
		return nil, nil
	case errors.Is(err, errTooBig):
		return nil, s.finish(failure(jobv1.Failure_OUTPUT_LIMIT, "The file is larger than %d MiB.", s.limits.Bytes>>20))
	}
	return nil, s.finish(failure(jobv1.Failure_INCOMPLETE, "The device stopped in the middle of the file %s.", path))
}

var (
	errNoFile = fmt.Errorf("device: no such file")
	errTooBig = fmt.Errorf("device: file too big")
	errClosed = fmt.Errorf("device: the watch closed the connection") // and knows why
)

// receive is the sink of SCP: "C0644 LENGTH NAME", the bytes, a zero byte, each step acknowledged by one.
func (s *Session) receive(channel ssh.Channel) ([]byte, error) {
	in := bufio.NewReaderSize(channel, 4<<10)
	ack := func() error { _, err := channel.Write([]byte{0}); return err }
	if err := ack(); err != nil {
		return nil, err
	}
	for range 4 { // times and other headers may come before the file's own
		kind, err := in.ReadByte()
		if err != nil {
			return nil, err
		}
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		s.link.watch.touch()
		switch kind {
		case 'C':
			return s.content(in, string(line), ack)
		case 1, 2:
			return nil, errNoFile
		}
		if err := ack(); err != nil {
			return nil, err
		}
	}
	return nil, errNoFile
}

func (s *Session) content(in *bufio.Reader, header string, ack func() error) ([]byte, error) {
	parts := strings.SplitN(strings.TrimSpace(header), " ", 3)
	if len(parts) < 2 {
		return nil, io.ErrUnexpectedEOF
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || n < 0 {
		return nil, io.ErrUnexpectedEOF
	}
	if n > int64(s.limits.Bytes) {
		return nil, errTooBig
	}
	if f := s.grow(int(n)); f != nil { // before the device begins to send
		return nil, errClosed
	}
	if err := ack(); err != nil {
		return nil, err
	}
	text, err := readN(alive{in, s.link.watch}, int(n))
	if err != nil {
		return nil, err
	}
	if end, err := in.ReadByte(); err != nil || end != 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return text, ack()
}

// readN reads n bytes. Its buffer grows with what arrives: the length is only what the device says.
func readN(in io.Reader, n int) ([]byte, error) {
	text := make([]byte, 0, min(n, largeBuffer))
	for len(text) < n {
		if len(text) == cap(text) {
			text = append(make([]byte, 0, min(2*cap(text), n)), text...)
		}
		m, err := in.Read(text[len(text):cap(text)])
		if text = text[:len(text)+m]; err != nil {
			return text, err
		}
	}
	return text, nil
}

// alive notes signs of life while a file is read.
type alive struct {
	io.Reader
	watch *watch
}

func (a alive) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	a.watch.touch()
	return n, err
}
