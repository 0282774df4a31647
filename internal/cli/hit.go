package cli

import (
	"fmt"
	"io"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

// hitPrinter prints hits as grep does: files one after the other, and a line between parts that do not touch.
type hitPrinter struct {
	out    io.Writer
	around bool
	// last waits for the next one: the lines after it may be hits themselves.
	last *gitstorev1.Hit
	// file and line are of what was printed last.
	file string
	line int32
}

func (p *hitPrinter) print(hits []*gitstorev1.Hit) {
	for _, h := range hits {
		p.after(h)
		file := safe(h.DeviceName) + ":" + safe(h.Artifact)
		first := h.Line - int32(len(h.Before))
		if p.around && p.file != "" && (file != p.file || first > p.line+1) {
			fmt.Fprintln(p.out, "--")
		}
		if file != p.file {
			p.file, p.line = file, 0
		}
		p.lines("-", first, h.Before)
		p.lines(":", h.Line, []string{h.Text})
		p.last = h
	}
}

// after prints what follows the last hit, up to the next one.
func (p *hitPrinter) after(next *gitstorev1.Hit) {
	h := p.last
	if h == nil {
		return
	}
	after := h.After
	if next != nil && next.DeviceId == h.DeviceId && next.Artifact == h.Artifact && next.Line > h.Line {
		after = after[:min(len(after), int(next.Line-h.Line)-1)]
	}
	p.lines("-", h.Line+1, after)
	p.last = nil
}

// lines prints those that were not printed yet.
func (p *hitPrinter) lines(mark string, first int32, all []string) {
	for i, text := range all {
		if n := first + int32(i); n > p.line {
			fmt.Fprintf(p.out, "%s%s%d%s%s\n", p.file, mark, n, mark, safe(text))
			p.line = n
		}
	}
}

// presencePrinter prints hits of a history: each with when it was there, in the columns of a table whose rows come one by one.
type presencePrinter struct {
	out   io.Writer
	begun bool
}

func (p *presencePrinter) print(hits []*gitstorev1.Hit) {
	for _, h := range hits {
		if !p.begun {
			p.begun = true
			p.row("FROM", "UNTIL", "REVISIONS", "LINE")
		}
		x := h.Presence
		if x == nil { // of a server that knows no history
			x = &gitstorev1.Presence{}
		}
		file := safe(h.DeviceName) + ":" + safe(h.Artifact)
		if x.DeviceDeletedAt != nil {
			file = safe(h.DeviceName) + " (deleted):" + safe(h.Artifact)
		}
		for i, text := range h.Before {
			p.row("", "", "", fmt.Sprintf("%s-%d-%s", file, int(h.Line)-len(h.Before)+i, safe(text)))
		}
		p.row(when(x.FirstAt), when(x.GoneAt), fmt.Sprintf("#%d-#%d", x.FirstNumber, h.Number), fmt.Sprintf("%s:%d:%s", file, h.Line, safe(h.Text)))
		for i, text := range h.After {
			p.row("", "", "", fmt.Sprintf("%s-%d-%s", file, int(h.Line)+1+i, safe(text)))
		}
	}
}

func (p *presencePrinter) row(from, until, revisions, line string) {
	fmt.Fprintf(p.out, "%-19s  %-19s  %-11s  %s\n", from, until, revisions, line)
}

func (p *presencePrinter) after(*gitstorev1.Hit) {}
