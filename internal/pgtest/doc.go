// Package pgtest gives tests a real PostgreSQL.
//
// The first call in a test process starts one private server (see internal/pgembed) on a temporary folder, without fsync. Each test gets a
// database of its own, cloned from a template on which the migrations ran once. Nothing is asked of the tests: no TestMain, no
// clean-up, root or not. However the test process ends (also by a panic or kill -9), the server ends with it, and a small waiting shell
// removes the folder. NETRAVEN_PG_BIN names a folder with server programs to use instead of those that are found.
package pgtest
