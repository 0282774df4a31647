// Package bare is the least that an SSH client can do to read a device's
// configuration: log in, start a shell, switch paging off, send one command,
// read to the prompt. It checks nothing, removes nothing, recovers from
// nothing. It is the limit that the benches measure the product against, in
// the same run, and has no other use.
package bare
