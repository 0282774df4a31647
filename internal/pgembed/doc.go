// Package pgembed runs the private PostgreSQL of `netraven serve` when no external database is configured.
//
// It finds server binaries on the machine (it never downloads), initialises a data directory once, runs `postgres` as a
// supervised child and ends it. The server listens on one Unix socket and on no TCP port; it asks for a random password.
//
// Layout of Config.DataDir:
//
//	lock          held (flock) by the one process that runs the server
//	cluster/      PostgreSQL's own data directory
//	pgpass        the password, mode 0600, in libpq's passfile format
//	socket/       mode 0700, where the path is short enough; else a temporary directory, whose name is in socket.path
//	initializing/ a cluster that initdb has not finished; it becomes cluster/ by a rename and is made anew after a crash
//	upgrading/    the cluster that an upgrade is filling; removed by the next start if that was not finished
//	upgraded/     the same, filled and verified; it becomes cluster/ by a rename, which the next start does if a crash prevented it
//	transfer/     what an upgrade carries from the one to the other
//	cluster.old-15/  the cluster of before an upgrade, of PostgreSQL 15
//
// States of one Start:
//
//	LOCKED -> (server of an earlier process still there: STOPPING) -> (no cluster: INITIALISING) -> STARTING -> READY -> STOPPED
//	any -> FAILED, with nothing left running
//
// States of one Upgrade; a crash in any state before OLD KEPT leaves the old cluster in use, one after it the new:
//
//	LOCKED -> SAVING (the old server runs) -> INITIALISING -> LOADING (the new server runs, on upgrading/) -> UPGRADED (upgraded/) -> OLD KEPT -> DONE
//
// Invariants:
//   - cluster/ is never deleted (nor is a cluster.old-*), never opened by another major version, never opened by two servers.
//   - A process is signalled only when it is a child of ours, or when its command line shows that it is a postgres which
//     this package started on this very cluster/. The signal goes through a handle taken before that look (a pidfd on
//     Linux), so that a recycled process id cannot be hit.
//   - The server dies with its parent, even by kill -9 (Linux: parent-death signal, a clean "fast" shutdown). Elsewhere the
//     next Start stops it.
//   - The server is in a session of its own: Ctrl-C reaches NetRaven only, which drains first and stops the database last.
//   - PostgreSQL refuses to run as root, so root's server runs as the owner of an existing cluster, else as `postgres`, else as
//     `nobody`. Folders above the data directory and above the binaries are never changed; where that user may not pass, Start
//     fails and names the folder.
package pgembed
