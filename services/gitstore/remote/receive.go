package remote

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// command is what the server is asked for: one branch, from where it was when it told us to where it is here. Without the right old value it is refused by the server.
func command(a *advertised, head repo.Hash) string {
	can := "report-status"
	for _, c := range []string{"side-band-64k", "object-format=sha1"} {
		if a.has(c) {
			can += " " + c
		}
	}
	return packet(a.branch.String()+" "+head.String()+" "+repo.Branch+"\x00 "+can+" agent="+agent) + endOfPart
}

// report is what the server did.
type report struct {
	lines []string
	// said is what it said to people meanwhile.
	said bytes.Buffer
}

const (
	maxReport = 1 << 20
	bandData  = 1
	bandText  = 2
	bandFatal = 3
)

// readReport reads the server's report to its end.
func readReport(in io.Reader, a *advertised) (*report, error) {
	r := &report{}
	if !a.has("side-band-64k") {
		return r, r.read(in)
	}
	var data bytes.Buffer
	for {
		p, err := readPacket(in)
		if err != nil {
			return r, err
		}
		if p == nil {
			return r, r.read(&data)
		}
		if len(p) == 0 {
			return r, errProtocol
		}
		switch p[0] {
		case bandData:
			data.Write(p[1:])
		case bandText:
			r.say(p[1:])
		case bandFatal:
			r.say(p[1:])
			return r, errFatal
		default:
			return r, errProtocol
		}
		if data.Len() > maxReport {
			return r, errProtocol
		}
	}
}

var errFatal = errors.New("the server gave up")

func (r *report) say(p []byte) { r.said.Write(p[:min(len(p), max(0, 4*maxWords-r.said.Len()))]) }

func (r *report) read(in io.Reader) error {
	for {
		p, err := readPacket(in)
		if err != nil {
			return err
		}
		if p == nil {
			return nil
		}
		if r.lines = append(r.lines, strings.TrimSpace(string(p))); len(r.lines) > 100 {
			return errProtocol
		}
	}
}

// verdict is nil when the branch moved.
func (r *report) verdict(t Target) error {
	moved := false
	for _, line := range r.lines {
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "unpack ok":
		case line == "ok "+repo.Branch:
			moved = true
		case word == "ng":
			_, why, _ := strings.Cut(rest, " ")
			if strings.Contains(why, "non-fast-forward") || strings.Contains(why, "fetch first") {
				return diverged(t)
			}
			return refused(t, why, r.said.String())
		case word == "unpack":
			return refused(t, rest, r.said.String())
		}
	}
	if !moved {
		return refused(t, "it reports nothing about the branch", r.said.String())
	}
	return nil
}

func refused(t Target, why, said string) *Failure {
	if said = t.words(said); said != "" {
		said = "; it says: " + said
	}
	return failed(Refused, "%s refuses the push: %s%s", t.Address.Host, t.words(why), said)
}

func diverged(t Target) *Failure {
	return failed(Diverged, "the branch main at %s has commits that this history lacks, so it is left as it is: push to an empty repository, or take main away there; nothing else may write to it",
		t.Address.Host)
}
