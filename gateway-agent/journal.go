package agent

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
)

const journalEnding = ".begun"

// journal knows which attempts were begun: one file each, empty until the attempt asks to change its device. Until then it needs no fsync: a lost
// entry means that job does not find it in Hello and gives it out again, which is what the entry would have said.
type journal struct{ dir string }

func openJournal(dir string) (*journal, error) {
	return &journal{dir: dir}, os.MkdirAll(dir, 0o700)
}

func (j *journal) path(a attempt) string { return filepath.Join(j.dir, a.file()+journalEnding) }

// begin notes an attempt.
func (j *journal) begin(a attempt) error {
	f, err := os.OpenFile(j.path(a), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// proceed notes, durably, that an attempt is about to change its device.
func (j *journal) proceed(a attempt) error {
	f, err := os.OpenFile(j.path(a), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString("proceeds\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncDir(j.dir)
}

// proceeds tells whether an attempt was about to change its device.
func (j *journal) proceeds(a attempt) bool {
	info, err := os.Stat(j.path(a))
	return err == nil && info.Size() > 0
}

// end forgets attempts; one that is not there does no harm.
func (j *journal) end(all ...attempt) error {
	var failed error
	for _, a := range all {
		if err := os.Remove(j.path(a)); err != nil && !errors.Is(err, os.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// begun answers the attempts that are noted.
func (j *journal) begun() ([]attempt, error) {
	files, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, err
	}
	var all []attempt
	for _, f := range files {
		if a, ok := attemptOfFile(f.Name(), journalEnding); ok {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(x, y attempt) int { return int(x.fence - y.fence) })
	return all, nil
}
