package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A line of the journal: what is known of the attempt, its task, its fence, blanks up to the line's end. A line of blanks is free.
const (
	lineSize = 64
	begun    = "begun"
	proceeds = "proceeds"
)

// journal knows which attempts were begun: a line each in one file, for a file each would cost more than the rest of an attempt's bookkeeping. Until the attempt asks to
// change its device its line needs no fsync: a lost one means that job does not find it in Hello and gives it out again, which is what the line would have said.
// Safe for concurrent use.
type journal struct {
	mu    sync.Mutex
	file  *os.File
	lines map[attempt]line
	free  []int64 // places of blank lines
	size  int64
}

type line struct {
	at    int64
	state string
}

// openJournal reads what an earlier life of the agent left. A line that a power cut left in pieces was not synced, so that nobody has acted on it.
func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: f, lines: map[attempt]line{}}
	text, err := io.ReadAll(f)
	if err == nil {
		err = syncDir(filepath.Dir(path)) // the file must be there when a line of it is synced
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for ; j.size+lineSize <= int64(len(text)); j.size += lineSize {
		if a, state, ok := parseLine(string(text[j.size : j.size+lineSize])); ok {
			j.lines[a] = line{at: j.size, state: state}
		} else {
			j.free = append(j.free, j.size)
		}
	}
	return j, nil
}

func parseLine(text string) (a attempt, state string, ok bool) {
	words := strings.Fields(text)
	if len(words) != 3 || words[0] != begun && words[0] != proceeds {
		return a, "", false
	}
	fence, err := strconv.ParseInt(words[2], 10, 64)
	a = attempt{task: words[1], fence: fence}
	return a, words[0], err == nil && a.valid()
}

// put writes an attempt's line. j.mu is held.
func (j *journal) put(a attempt, state string) error {
	l, known := j.lines[a]
	switch {
	case known:
	case len(j.free) > 0:
		l.at = j.free[len(j.free)-1]
	default:
		l.at = j.size
	}
	if err := j.write(l.at, fmt.Sprintf("%s %s %d", state, a.task, a.fence)); err != nil {
		return err
	}
	switch {
	case known:
	case len(j.free) > 0:
		j.free = j.free[:len(j.free)-1]
	default:
		j.size += lineSize
	}
	l.state = state
	j.lines[a] = l
	return nil
}

func (j *journal) write(at int64, text string) error {
	_, err := j.file.WriteAt(fmt.Appendf(nil, "%-*s\n", lineSize-1, text), at)
	return err
}

// begin notes an attempt.
func (j *journal) begin(a attempt) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.put(a, begun)
}

// proceed notes, durably, that an attempt is about to change its device.
func (j *journal) proceed(a attempt) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.put(a, proceeds); err != nil {
		return err
	}
	return j.file.Sync()
}

// proceeds tells whether an attempt was about to change its device.
func (j *journal) proceeds(a attempt) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines[a].state == proceeds
}

// end forgets attempts; one that is not there does no harm.
func (j *journal) end(all ...attempt) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var failed error
	for _, a := range all {
		l, known := j.lines[a]
		if !known {
			continue
		}
		if err := j.write(l.at, ""); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		delete(j.lines, a)
		j.free = append(j.free, l.at)
	}
	return failed
}

// begun answers the attempts that are noted, oldest first.
func (j *journal) begun() []attempt {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]attempt, 0, len(j.lines))
	for a := range j.lines {
		all = append(all, a)
	}
	slices.SortFunc(all, func(x, y attempt) int { return int(x.fence - y.fence) })
	return all
}
