// Package gitstore keeps history: it stores what agents collected, one durable git commit per changed device, and answers revisions, contents and diffs from an
// index that never walks git.
//
// Tables: repository (the head that counts), artifact (the newest state of each), revision (the index), original (sealed originals), stored_attempt (what was
// stored of each attempt, for repeats).
//
// A result on its way in (StoreResults, files in this order):
//
//	results.go   what is known already is answered again; an unchanged artifact with the known digest is only seen
//	open.go      the sealed original is opened with the device's key, checked, cleaned and masked by its platform page
//	plan.go      against the newest state: a new revision, the same text again, or an observation (a lower fence)
//	commit.go    all changed devices of the call: one pack on disk -> one database transaction that moves the head -> the git ref
//
// Invariants:
//   - DURABLE is said after the pack is synced and the transaction committed, never before.
//   - Git holds masked text only. Originals are stored sealed as the agent closed them, and opened only for config.read_secret, with an audit line first.
//   - (task, fence) is stored once; a repeat gets the first answer.
//   - A fence lower than the artifact's last one changes no content: it is kept as an observation.
//   - The database head decides. A pack that no head names is ignored; a ref behind the head is moved up at start; refs never move back.
//   - All artifacts of an attempt are stored, or none.
package gitstore
