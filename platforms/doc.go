// Package platforms holds one YAML page per platform and the loader that compiles it: how to log in,
// what to run, when an answer is whole, what in it is noise and what is secret.
//
// A page is data. It travels with each offer to the agents (Source, Digest), so a user's page works
// without a rebuild or an agent upgrade. The keys are described in docs/platforms.md.
//
// Invariants:
//   - A compiled Page never changes and is safe for concurrent use.
//   - Device output is hostile: everything that reads it is linear in its length (RE2 patterns,
//     bounded groups, single passes), and nothing in it makes a function panic.
//   - Parse reports every problem of a page with its line; a page with a problem is never returned.
//   - drop and keep decide what counts as a change; secrets decide what people see. Neither knows
//     of the other: the change digest is taken over text that still holds the secrets, except for
//     those a device encrypts anew at every read.
//   - Only a secret disappears from masked text: all else, line ends included, is as it was.
//
// What happens to one answer of a device:
//
//	device text -> Verify (is it whole?) -> Clean (noise) -> Unsalt -> ChangeDigest
//	                                              \-> Mask -> git, people
package platforms
