// Package repo is gitstore's git core: one bare repository that one writer fills with a durable commit per changed device,
// and that everybody reads, through this package or through plain git. It knows no RPC and no database.
//
// # How a group becomes history
//
//	Open ──> AdvanceTo(database head)          at start; the ref only ever moves forward
//	Prepare(parent, changes) ──> Batch         one commit per change, all objects in ONE pack, synced to disk
//	   caller moves the head in its database   UPDATE ... WHERE head = parent
//	SetHead(parent, batch.Head)                compare-and-set, atomic, synced
//
// A crash between any two of these lines leaves a repository that plain git accepts:
//
//	after Prepare            a stray pack: nothing points into it, the same changes may be prepared again
//	after the database head  the ref is behind; AdvanceTo moves it up at the next start
//	after SetHead            nothing to do
//
// When the database was restored to an older moment the ref is ahead of it: AdvanceTo says ErrAhead and moves nothing; the caller
// indexes what Log(database head, ref) yields (every commit carries its identity in trailers, see Message) and moves its own head up.
//
// # Invariants
//
//   - A pack is complete in itself (no delta leaves it) and is on disk, file and folder synced, before Prepare returns. It gets its
//     name by rename after its bytes are synced, the .pack before the .idx, because git looks at an .idx first.
//   - The ref names only a commit that is in the repository, and every new value descends from the old one. The one exception is ReplaceHead, at the end of
//     a Rewrite that the caller's database has recorded.
//   - A commit costs what its folders cost: the folders on the changed path are rewritten, no others are read.
//   - Every object read is checked against its name. What does not match is ErrCorrupt with the pack's file name.
//   - Paths are made of components that SafeName could have produced; anything else is refused, not repaired, here.
//   - The git program (MinGit or newer) serves clones, blame, fsck and repack; it never writes a ref. Purge alone lets it
//     take objects away.
//
// Prepare, SetHead and AdvanceTo are for one writer at a time (the package serializes them within the process; across processes the
// caller's lease does). All reads may run at any time, also while git repacks the folder underneath.
package repo
