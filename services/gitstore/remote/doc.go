// Package remote pushes a repository's branch to a git server, over HTTPS or SSH.
//
// It speaks git's protocol of pushing itself (receive-pack): what the server has, one command that moves one branch, a pack made by the git program, the server's report.
// So no program but git is needed, git never sees a secret, and none is in an argument, an environment or a file. A push has three steps on any way there:
//
//	way.go       the way to the server: https.go (requests) or ssh.go (one session)
//	refs.go      what the server has
//	receive.go   what is sent, and what the server reports
//
// Invariants:
//   - A push only ever goes forward: a server that has other commits is told from us by name (Diverged), never by force.
//   - Every push ends: connecting, no progress, and the whole have a limit each.
//   - What the server says is bounded, on one line, and without the secret that it was given.
package remote
