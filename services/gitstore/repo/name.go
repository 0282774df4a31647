package repo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxName  = 120 // bytes of a component before the mark; all file systems take 255
	markLen  = 13  // "~" and 12 digits
	maxParts = 16
)

// SafeName makes one path component of a site's, device's or artifact's name: something every file system and git's own checks accept.
// A name that is fine stays as it is. Any other is cleaned and marked with "~" and 12 digits of its hash, and a name that contains "~"
// is never fine, so two different names never meet, not even where a file system takes the spellings of a letter (Unicode's normal forms) for one. The one thing left to the caller is two fine names that differ in case only
// (see FoldedName): inventory keeps names apart ignoring case, and `R1` is too good a folder name to spoil.
func SafeName(name string) string {
	if isClean(name) && norm.NFC.IsNormalString(name) {
		return name
	}
	return marked(name)
}

// FoldedName is SafeName for places where a sibling may differ in case only: it marks every name.
func FoldedName(name string) string { return marked(name) }

func marked(name string) string {
	sum := sha256.Sum256([]byte(name))
	clean := cleaned(name)
	return clean + "~" + hex.EncodeToString(sum[:])[:markLen-1]
}

// cleaned replaces what may not be in a component. It may give the same for different names.
func cleaned(name string) string {
	if len(name) > 4*maxName {
		name = name[:4*maxName]
	}
	s := strings.Map(func(r rune) rune {
		if isPlain(r) {
			return r
		}
		return '_'
	}, norm.NFC.String(strings.ToValidUTF8(name, "_")))
	for len(s) > maxName {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	s = strings.TrimRight(s, " ")
	if s == "" || strings.ContainsAny(s[:1], ".- ") {
		s = "_" + strings.TrimLeft(s, ".- ")
	}
	if isReserved(s) {
		s = "_" + s
	}
	return s
}

// isPlain: letters and digits of any script, and a few marks that mean nothing to a shell, a URL's path, git or Windows.
func isPlain(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-+=,@()[] ", r)
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

func isClean(name string) bool { return len(name) <= maxName && isTidy(name) }

// isTidy is isClean at any length.
func isTidy(name string) bool {
	if name == "" || !utf8.ValidString(name) {
		return false
	}
	if strings.ContainsAny(name[:1], ".- ") || strings.ContainsAny(name[len(name)-1:], ". ") || isReserved(name) {
		return false
	}
	for _, r := range name {
		if !isPlain(r) {
			return false
		}
	}
	return true
}

// isReserved: what Windows takes for a device whatever follows the first dot. A clone must be able to check it out.
func isReserved(name string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch stem = strings.TrimRight(stem, " "); stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (stem[:3] == "com" || stem[:3] == "lpt") && '0' <= stem[3] && stem[3] <= '9'
}

// isSafe reports whether SafeName or FoldedName could have made c. Once they made other spellings of letters than Unicode's normal form too: what lies there is read, and moves away.
func isSafe(c string) bool {
	if isClean(c) {
		return true
	}
	at := len(c) - markLen
	if at < 1 || c[at] != '~' {
		return false
	}
	for _, d := range []byte(c[at+1:]) {
		if (d < '0' || d > '9') && (d < 'a' || d > 'f') {
			return false
		}
	}
	stem := strings.TrimRight(c[:at], ". ") // the mark follows, so the stem may end in dots, and spaces before them
	return stem == "" || len(c[:at]) <= maxName+1 && isTidy(stem)
}

// splitPath checks a path from the caller. It repairs nothing: a wrong path here is a mistake in the program, not in a name.
func splitPath(path string) ([]string, error) {
	parts := strings.Split(path, "/")
	if len(parts) > maxParts {
		return nil, fmt.Errorf("%w: more than %d folders deep", ErrPath, maxParts)
	}
	for _, p := range parts {
		if !isSafe(p) {
			return nil, fmt.Errorf("%w: %q", ErrPath, p)
		}
	}
	return parts, nil
}
