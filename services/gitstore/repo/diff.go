package repo

import (
	"bytes"
	"fmt"
	"strings"
)

// Hunk is one stretch of a diff: changed lines with their surroundings.
type Hunk struct {
	OldStart, OldLines int // first line, counted from 1 (the line before it when OldLines is 0)
	NewStart, NewLines int
	Lines              []DiffLine
}

// DiffLine is one line of a hunk.
type DiffLine struct {
	Op   byte   // ' ', '-' or '+'
	Text []byte // with its line feed, if it had one; a slice of the input
}

// statLines bounds what Stat compares line by line: a device may send millions of lines, and each costs many times its bytes.
const statLines = 1_000_000

// Stat counts the lines that b has and a has not, and the other way round. Where more than a million lines stand between what is the same at the beginning and at the end,
// all of them count as changed.
func Stat(a, b []byte) (added, removed int) {
	head, tail := Common(a, b)
	a, b = a[head:len(a)-tail], b[head:len(b)-tail]
	if olds, news := CountLines(a), CountLines(b); olds+news > statLines {
		return news, olds
	}
	for _, e := range diffLines(splitLines(a), splitLines(b)) {
		added += e.newTo - e.newFrom
		removed += e.oldTo - e.oldFrom
	}
	return added, removed
}

// Common is how many bytes two texts have in common at their beginnings and at their ends, in whole lines.
func Common(a, b []byte) (head, tail int) {
	n := min(len(a), len(b))
	for head < n && a[head] == b[head] {
		head++
	}
	head = bytes.LastIndexByte(a[:head], '\n') + 1
	n -= head
	for tail < n && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	if end := bytes.IndexByte(a[len(a)-tail:], '\n'); end >= 0 { // what is before it need not be whole
		return head, tail - end - 1
	}
	return head, 0
}

// CountLines counts also a last line without an end.
func CountLines(text []byte) int {
	n := bytes.Count(text, []byte{'\n'})
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}

// Hunks compares two texts line by line. context is how many equal lines stand around a change (negative: 0). Lines may hold any
// bytes. The time is near linear in the size of both.
func Hunks(a, b []byte, context int) []Hunk {
	context = max(context, 0)
	olds, news := splitLines(a), splitLines(b)
	edits := diffLines(olds, news)
	var out []Hunk
	for i := 0; i < len(edits); {
		j := i + 1
		for j < len(edits) && edits[j].oldFrom-edits[j-1].oldTo <= 2*context {
			j++
		}
		out = append(out, hunk(olds, news, edits[i:j], context))
		i = j
	}
	return out
}

func hunk(olds, news [][]byte, edits []lineEdit, context int) Hunk {
	first, last := edits[0], edits[len(edits)-1]
	lead := min(context, first.oldFrom)
	trail := min(context, len(olds)-last.oldTo)
	h := Hunk{OldStart: first.oldFrom - lead + 1, NewStart: first.newFrom - lead + 1}
	at := first.oldFrom - lead
	for _, e := range edits {
		h.put(' ', olds[at:e.oldFrom])
		h.put('-', olds[e.oldFrom:e.oldTo])
		h.put('+', news[e.newFrom:e.newTo])
		at = e.oldTo
	}
	h.put(' ', olds[at:at+trail])
	if h.OldLines == 0 {
		h.OldStart--
	}
	if h.NewLines == 0 {
		h.NewStart--
	}
	return h
}

func (h *Hunk) put(op byte, lines [][]byte) {
	for _, l := range lines {
		h.Lines = append(h.Lines, DiffLine{op, l})
	}
	if op != '+' {
		h.OldLines += len(lines)
	}
	if op != '-' {
		h.NewLines += len(lines)
	}
}

// Diff is the unified text, as `git diff` and `patch` write it: empty when a equals b, one sentence when either is binary (has a NUL in
// its first 8,000 bytes, git's own rule). context is the number of equal lines around a change; 3 is usual. Bytes that are not UTF-8
// come through as they are.
func Diff(oldName, newName string, a, b []byte, context int) string {
	if bytes.Equal(a, b) {
		return ""
	}
	oldName, newName = oneLine(oldName), oneLine(newName)
	if IsBinary(a) || IsBinary(b) {
		return "Binary files " + oldName + " and " + newName + " differ\n"
	}
	var out strings.Builder
	out.WriteString("--- " + oldName + "\n+++ " + newName + "\n")
	for _, h := range Hunks(a, b, context) {
		fmt.Fprintf(&out, "@@ -%s +%s @@\n", span(h.OldStart, h.OldLines), span(h.NewStart, h.NewLines))
		for _, l := range h.Lines {
			out.WriteByte(l.Op)
			out.Write(l.Text)
			if !bytes.HasSuffix(l.Text, []byte{'\n'}) {
				out.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
	return out.String()
}

func span(start, n int) string {
	if n == 1 {
		return fmt.Sprint(start)
	}
	return fmt.Sprintf("%d,%d", start, n)
}

// IsBinary is git's rule: a NUL among the first 8,000 bytes.
func IsBinary(data []byte) bool {
	const looked = 8000
	return bytes.IndexByte(data[:min(len(data), looked)], 0) >= 0
}
