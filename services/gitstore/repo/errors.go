package repo

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is. None of their texts holds content.
var (
	// ErrNotFound: no such object, path or commit.
	ErrNotFound = errors.New("repo: not found")
	// ErrCorrupt: bytes on disk do not match their name. The text names the file.
	ErrCorrupt = errors.New("repo: corrupt object")
	// ErrHeadMoved: the ref was not what SetHead expected. Nothing was changed.
	ErrHeadMoved = errors.New("repo: the branch is not where the writer left it")
	// ErrAhead: the ref already holds commits on top of the given one. Nothing was changed.
	ErrAhead = errors.New("repo: the branch is ahead")
	// ErrDiverged: neither commit descends from the other. Nothing was changed.
	ErrDiverged = errors.New("repo: the branch has another history")
	// ErrPath: a path that is empty, escapes, or has a component SafeName would not have made.
	ErrPath = errors.New("repo: unusable path")
	// ErrConflict: a file where a folder is needed, or the other way round, or a move onto something.
	ErrConflict = errors.New("repo: the path is taken")
	// ErrCollision: content crafted so that SHA-1 cannot tell it from other content. It is refused.
	ErrCollision = errors.New("repo: content carries a SHA-1 collision")
	// ErrTooLarge: content beyond Options.MaxObject.
	ErrTooLarge = errors.New("repo: content too large")
	// ErrGit: the git program is missing, too old, or failed.
	ErrGit = errors.New("repo: git")
)

// ChangeError says which change of a group could not be applied; without it the group may be prepared again.
type ChangeError struct {
	Index int
	Err   error
}

func (e *ChangeError) Error() string { return fmt.Sprintf("change %d: %v", e.Index, e.Err) }

// Unwrap gives the reason.
func (e *ChangeError) Unwrap() error { return e.Err }

// DamageError is ErrCorrupt, or what else is wrong, in one pack.
type DamageError struct {
	// Pack is the file's name, pack-....pack.
	Pack string
	Err  error
}

func (e *DamageError) Error() string { return e.Pack + " is damaged: " + e.Err.Error() }

// Unwrap gives what is wrong.
func (e *DamageError) Unwrap() error { return e.Err }
