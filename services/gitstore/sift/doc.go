// Package sift says which texts may hold a literal, without reading them: a signature index on disk, made for configurations of network devices. It knows no
// database and no git; a text is named by the hash of its content, so an entry never changes.
//
// # Signatures
//
// A text sets one bit for each of its runs of 3 and of 6 bytes that lie within a line, of 131,072 bits by a hash. A literal may be in a text only if the bits of its
// own runs are all set. Runs of 3 alone do not tell addresses apart: nearly every configuration has all of those of 10.17.233.4. Letters count without their case, so one
// index serves both kinds of search. Saying yes wrongly costs a read, saying no wrongly would lose a hit and does not happen.
//
// # Blocks
//
//	<dir>/NNNNNN.sift   128 texts: magic | 128 hashes | 131,072 rows of 128 bits, one bit a text
//
// Bits are stored by row, so a literal costs a read of 16 bytes for each of its runs, for 128 texts at once.
//
// Invariants:
//   - A block is replaced as a whole: written beside, synced, renamed. A crash leaves the old or the new one.
//   - What a block's head names has all its bits in the block. Who uses the index asks Has for what should be in it, and puts in again what a crash took.
//   - A hash of zeros is a free place; its bits mean nothing and are cleared when it is taken.
//   - A file that is no block of this version is removed at Open: all of it can be made again from the texts.
package sift
