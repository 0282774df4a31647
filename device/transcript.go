package device

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/platforms"
)

const (
	// maxTranscript is the longest transcript.
	maxTranscript = 256 << 10
	// maxPassage is how much of what a device says in one go is held in memory; of more only the start is kept.
	maxPassage = 512 << 10
	// maxShown is how much of such a passage is kept, at its start and at its end.
	maxShown = 24 << 10
)

// Transcript writes down a session for people: what the device said, as a terminal would show it, and what was typed. It is masked a passage at a time,
// from one thing typed to the next: only whole does a passage show where its secrets end. It may be used concurrently.
type Transcript struct {
	page *platforms.Page

	mu     sync.Mutex
	screen screen
	lost   int    // bytes of the passage that were not looked at
	stage  string // that we are in
	exec   string // the command of the exec channel that is open
	keys   int    // typed inside the passage: answers to pagers, empty lines
	head   strings.Builder
	tail   []string // the newest pieces, once head is full
	size   int      // of tail
	gone   int      // bytes of tail that were given up
	cut    bool     // something was left out
}

// NewTranscript begins a transcript of a device of the page's platform.
func NewTranscript(page *platforms.Page) *Transcript { return &Transcript{page: page} }

// Stage notes that a stage begins.
func (t *Transcript) Stage(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush(false)
	t.stage = name
	t.add("-- " + name + "\n")
}

// Take notes one piece of traffic.
func (t *Transcript) Take(x Traffic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case x.Sent:
		t.typed(x)
		return
	case x.Exec != t.exec:
		t.flush(false)
		if t.exec = x.Exec; x.Exec != "" {
			t.add(">> " + t.safe(x.Exec) + "\n")
		}
	}
	if t.lost > 0 || len(t.screen.text) > maxPassage {
		t.lost += len(x.Data)
		return
	}
	t.screen.write(x.Data)
}

// typed notes what was sent. Neither a pager's answer nor an empty line, which asks whether a prompt is one, ends a passage.
func (t *Transcript) typed(x Traffic) {
	text := strings.TrimRight(string(x.Data), "\r\n")
	if !x.Secret && (t.pager() || strings.TrimSpace(text) == "" || t.key(text)) {
		t.keys++
		return
	}
	t.flush(!t.goodbye(text))
	if x.Secret {
		t.add(">> (a secret, not kept)\n")
		return
	}
	t.add(">> " + t.safe(text) + "\n")
}

// pager takes the question of a pager off the screen, as the session does: what comes next goes on where it stood.
func (t *Transcript) pager() bool {
	if t.page == nil || t.lost > 0 {
		return false
	}
	e, from := t.screen.question(t.page.Pager)
	if e != nil {
		t.screen.cutPager(from)
	}
	return e != nil
}

// key tells whether text is what answers a pager: it may be typed again when nothing comes.
func (t *Transcript) key(text string) bool {
	if t.page == nil {
		return false
	}
	for _, e := range t.page.Pager {
		if strings.TrimRight(e.Send, "\r\n") == text {
			return true
		}
	}
	return false
}

// goodbye tells whether text logs out, which is typed whatever the device was saying.
func (t *Transcript) goodbye(text string) bool {
	return t.page != nil && slices.ContainsFunc(t.page.Login.Logout, func(s platforms.Step) bool { return s.Send == text })
}

// flush masks the passage that has ended and writes it down. answered says that it ended because what it ended in was answered.
func (t *Transcript) flush(answered bool) {
	said, half := t.screen.shown(), 0
	if !answered && t.unfinished() {
		said = said[:t.screen.bol]
		half = len(t.screen.line())
	}
	said = bytes.TrimRight(said, "\n")
	if len(said) > 0 || t.lost > 0 {
		t.add(t.passage(said))
	}
	if half > 0 {
		t.cut = true
		t.add(fmt.Sprintf("-- (a line that did not end is left out: %d bytes)\n", half))
	}
	if t.keys > 0 {
		t.add(fmt.Sprintf("-- (keys for a pager or empty lines were typed meanwhile: %d)\n", t.keys))
	}
	t.screen = screen{mode: t.screen.mode, seq: t.screen.seq, skip: t.screen.skip} // a control sequence may go on
	t.lost, t.keys = 0, 0
}

// unfinished tells whether the last line may be half of one that holds a secret: nobody can mask that. Before there is a session, devices show no
// configurations, and such a line may be the prompt that we do not know.
func (t *Transcript) unfinished() bool {
	line := t.screen.line()
	switch {
	case len(line) == 0, t.stage == "login", t.stage == "enable", t.stage == "setup":
		return false
	case t.page == nil || t.page.Login.Prompt == nil || len(line) > maxPrompt:
		return true
	}
	at, ok := t.page.Login.Prompt.AtEnd(line)
	return !ok || at > 0
}

// passage is what is kept of a passage. What lies behind a cut shows nothing of the end: it may be the middle of a secret.
func (t *Transcript) passage(said []byte) string {
	text := t.safe(string(said)) + "\n"
	if t.lost == 0 && len(text) <= 2*maxShown {
		return text
	}
	t.cut = true
	first := text[:strings.LastIndexByte(text[:min(maxShown, len(text))], '\n')+1]
	if t.lost > 0 {
		return first + fmt.Sprintf("-- (%d bytes are left out)\n", len(text)-len(first)+t.lost)
	}
	rest := text[len(text)-maxShown:]
	rest = rest[strings.IndexByte(rest, '\n')+1:]
	return first + fmt.Sprintf("-- (%d bytes are left out)\n", len(text)-len(first)-len(rest)) + rest
}

// safe masks device text and makes it printable.
func (t *Transcript) safe(text string) string { return plainWords(t.page.MaskLines(text)) }

// add writes a piece down: half of the room is for the first ones, half for the newest.
func (t *Transcript) add(piece string) {
	const half = maxTranscript/2 - 100 // less what a cut is told with
	if t.tail == nil && t.head.Len()+len(piece) <= half {
		t.head.WriteString(piece)
		return
	}
	t.tail, t.size = append(t.tail, piece), t.size+len(piece)
	for t.size > half {
		n := len(t.tail[0])
		t.tail, t.size, t.gone, t.cut = t.tail[1:], t.size-n, t.gone+n, true
	}
}

// Text ends the transcript and returns it, of at most 256 KiB and without the secrets of grant. cut says that something was left
// out; where, the text says.
func (t *Transcript) Text(grant *vaultv1.Grant) (text string, cut bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush(false)
	text = t.head.String()
	if t.gone > 0 {
		text += fmt.Sprintf("-- (%d bytes are left out)\n", t.gone)
	}
	return strip(text+strings.Join(t.tail, ""), grant), t.cut
}
