package repo

import (
	"fmt"
	"strings"
	"unicode"
)

// The trailers gitstore writes. A commit alone is enough to rebuild the index row it belongs to.
const (
	TrailerRun      = "NetRaven-Run"
	TrailerTask     = "NetRaven-Task"
	TrailerDevice   = "NetRaven-Device"
	TrailerArtifact = "NetRaven-Artifact"
	TrailerFence    = "NetRaven-Fence"
	TrailerDigest   = "NetRaven-Digest"
	// TrailerTrigger is what started the run: schedule, or user.
	TrailerTrigger = "NetRaven-Trigger"
	// TrailerEarlier follows an artifact's digest where its device comes from another repository, or only its name is new: the number of its newest revision until then, and the digest that
	// this had (commits of older versions lack it). A text that is still that revision's makes no new one, but where `another` follows: an erasure made the two the same.
	TrailerEarlier = "NetRaven-Earlier"
	// TrailerRemasked follows an artifact's digest where a changed platform page alone made its text another: the number of its newest revision, which stays it.
	TrailerRemasked = "NetRaven-Remasked"
	// TrailerAccepted is who accepted what was kept apart as suspect.
	TrailerAccepted = "NetRaven-Accepted-By"
)

// Trailer is one "Key: value" line at the end of a commit message.
type Trailer struct{ Key, Value string }

// Trailers keep their order; a key may come more than once.
type Trailers []Trailer

// Get is the first value of a key, compared without case as git does; empty when there is none.
func (t Trailers) Get(key string) string {
	for _, x := range t {
		if strings.EqualFold(x.Key, key) {
			return x.Value
		}
	}
	return ""
}

// Subject is the first line of a commit: who, what, and how many lines.
func Subject(device, artifact string, added, removed int) string {
	return fmt.Sprintf("%s: %s +%d -%d", device, artifact, added, removed)
}

// Message joins a subject and trailers to a commit message that ParseTrailers and `git interpret-trailers --parse` read back.
// Whatever is in subject or values, it stays on its line, so a device cannot write a trailer. Trailers without a value are left out.
func Message(subject string, t Trailers) string {
	subject = oneLine(subject)
	if subject == "" {
		subject = "(no subject)"
	}
	var b strings.Builder
	b.WriteString(subject + "\n")
	first := true
	for _, x := range t {
		value := oneLine(x.Value)
		if value == "" || !isTrailerKey(x.Key) {
			continue
		}
		if first {
			b.WriteByte('\n')
			first = false
		}
		b.WriteString(x.Key + ": " + value + "\n")
	}
	return b.String()
}

// ParseTrailers reads the last paragraph of a message if every line of it is a trailer and it is not the subject.
func ParseTrailers(message string) Trailers {
	message = strings.TrimRight(message, "\n")
	at := strings.LastIndex(message, "\n\n")
	if at < 0 {
		return nil
	}
	var out Trailers
	for line := range strings.SplitSeq(message[at+2:], "\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok || !isTrailerKey(key) {
			return nil
		}
		out = append(out, Trailer{Key: key, Value: strings.TrimSpace(value)})
	}
	return out
}

func isTrailerKey(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

// oneLine makes text from outside one printable line of at most 4 KiB.
func oneLine(s string) string {
	const longest = 4 << 10
	if len(s) > longest {
		s = s[:longest]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.Join(strings.Fields(s), " ")
}
