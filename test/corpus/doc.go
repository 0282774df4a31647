// Package corpus holds the engine against recordings of real devices. The recordings are no part of this
// repository: they are read where NETRAVEN_CORPUS says, or beside the repository. Without them the suite
// says so in one line and runs on simulated devices of our own.
package corpus
