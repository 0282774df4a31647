package repo

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Commit is one commit as it is in the repository.
type Commit struct {
	Hash Hash
	Tree Hash
	// Parent is the first parent; zero for the first commit. This package never writes merges.
	Parent    Hash
	Author    Signature
	Committer Signature
	// Message is the whole text; Subject its first line; Trailers the last paragraph where it is made of trailers.
	Message  string
	Subject  string
	Trailers Trailers
}

// encodeCommit gives the bytes git hashes.
func encodeCommit(tree, parent Hash, author, committer Signature, message string) []byte {
	var b bytes.Buffer
	b.Grow(256 + len(message))
	b.WriteString("tree " + tree.String() + "\n")
	if !parent.IsZero() {
		b.WriteString("parent " + parent.String() + "\n")
	}
	b.WriteString("author " + encodeSignature(author) + "\n")
	b.WriteString("committer " + encodeSignature(committer) + "\n\n")
	b.WriteString(cleanMessage(message))
	return b.Bytes()
}

// encodeSignature is "Name <email> seconds +0000". Names come from devices ("last change by ..."), so what the format gives a
// meaning is taken out, as git itself does.
func encodeSignature(s Signature) string {
	name := identity(s.Name)
	if name == "" {
		name = "unknown"
	}
	const latest = 1 << 40 // far beyond any clock, well inside what git reads
	at := min(max(s.When.Unix(), 0), latest)
	return name + " <" + strings.ReplaceAll(identity(s.Email), " ", "") + "> " + strconv.FormatInt(at, 10) + " +0000"
}

// identity makes text fit between the words of a commit header.
func identity(s string) string {
	const longest = 200
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '<' || r == '>' || r == unicode.ReplacementChar:
			return -1
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "")
	}
	return strings.Trim(s, " .,:;\"\\'") // git strips these "crud" characters too
}

// cleanMessage replaces what a commit cannot hold and ends it with one line feed.
func cleanMessage(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.ReplaceAll(s, "\x00", "\ufffd")
	s = strings.ReplaceAll(s, "\r", "")
	return strings.Trim(s, "\n") + "\n"
}

func decodeCommit(h Hash, data []byte) (*Commit, error) {
	head, message, ok := bytes.Cut(data, []byte("\n\n"))
	if !ok {
		head = bytes.TrimSuffix(data, []byte("\n"))
	}
	c := &Commit{Hash: h, Message: string(message)}
	for line := range strings.SplitSeq(string(head), "\n") {
		key, value, _ := strings.Cut(line, " ")
		var err error
		switch key {
		case "tree":
			c.Tree, err = ParseHash(value)
		case "parent":
			if c.Parent.IsZero() {
				c.Parent, err = ParseHash(value)
			}
		case "author":
			c.Author = decodeSignature(value)
		case "committer":
			c.Committer = decodeSignature(value)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: commit %s: %w", ErrCorrupt, h, err)
		}
	}
	c.Subject, _, _ = strings.Cut(c.Message, "\n")
	c.Trailers = ParseTrailers(c.Message)
	return c, nil
}

// decodeSignature reads what encodeSignature wrote, and other people's commits as well as it can.
func decodeSignature(s string) Signature {
	name, rest, _ := strings.Cut(s, "<")
	email, rest, _ := strings.Cut(rest, ">")
	seconds, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	at, _ := strconv.ParseInt(seconds, 10, 64) // no time is the epoch
	return Signature{Name: strings.TrimSpace(name), Email: email, When: time.Unix(at, 0).UTC()}
}

// commit reads one commit.
func (r *Repo) commit(h Hash) (*Commit, error) {
	k, data, err := r.packs.read(h)
	if err != nil {
		return nil, err
	}
	if k != kindCommit {
		return nil, fmt.Errorf("%w: %s is a %s, not a commit", ErrNotFound, h, k)
	}
	return decodeCommit(h, data)
}

// Commit reads one commit. ErrNotFound when there is none of that name.
func (r *Repo) Commit(h Hash) (*Commit, error) { return r.commit(h) }
