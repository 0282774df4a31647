// Package grep finds the lines of a text that a pattern matches. A pattern is a literal or a regular expression of Go (RE2: linear in the text, whatever it is). It
// knows no database, no git and no index.
//
// A match lies within one line: `.`, `\s` and `[^x]` do not match the end of a line, `^` and `$` are the ends of a line, and so are `\A` and `\z`. That makes a hit something
// that can be shown, and lets a text be read in pieces: few bytes a piece keep the engine in its quick mode, and a search that is no longer wanted ends between two.
package grep
