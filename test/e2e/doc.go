// Package e2e is the end-to-end suite: real binaries, real PostgreSQL, real SSH sessions with the lab's devices, real git. Every test of it runs twice, against
// everything in one process and against one operating-system process per service over mutual TLS; the tests cannot tell which.
package e2e
