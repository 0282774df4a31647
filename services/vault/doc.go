// Package vault keeps credentials and devices' data keys, and is the only room where a secret is opened. Secrets go in by people and leave only
// sealed to one agent, for one attempt, against a spec that job signed; what a service keeps here is opened for that service. It calls inventory (a device's tags) and auth (the authority, revoked
// agents, audit).
//
// Tables: installation, credential, credential_secret, credential_use, last_good, reservation, device_key, secret.
//
// Invariants:
//   - Each version of a credential has a random data key of its own; each field is sealed under it (AES-256-GCM, additional data
//     id|version|field), the data key under the key-encryption key. Only the present version is kept.
//   - What was opened is never kept: not in a cache, not in a log, not in an error.
//   - Nothing is opened without an audit line waiting to be written; when too many wait, nothing is opened.
//   - A grant is sealed only for an agent and a spec that the authority's certificates name, while its reservation stands.
//   - in_flight of a credential is the number of counted reservations that list it.
//   - A device has one data key at a time, made by whoever asks first. Shredding deletes it, and nothing here keeps the old one; it is also sealed to the offline recovery key (package recovery).
//   - A secret that a service keeps here (secret.go: how gitstore signs in to git servers) is sealed as a credential's, bound to its service, kind and id, and only
//     that service can name it.
//   - Without the key-encryption key vault starts degraded: credentials can be read, listed and changed where no secret is touched; all else
//     answers UNAVAILABLE/KEY_UNAVAILABLE.
//
// A version of a credential:
//
//	probation (new) -(works)-> good -(refused)-> probation (failed) -(works)-> good
//	probation, four refusals in a row -> paused (1 min, doubling to 30) -> probation, one attempt at a time -(works)-> good
//
// In probation at most four attempts may be outstanding, less one for each refusal since the last success, and during a pause none. The same bound
// holds for sealing: an attempt that reserved the credential while it was good gets no grant while as many are sealed and unreported (see
// probation.go). So a new or rotated password fails four times plus, at most, what was sealed already when its first refusal was reported, and then
// once a pause. A paused credential that has worked before holds its devices' tasks back; one that never worked is passed over where another applies.
//
// A reservation counts against every credential it lists, because the agent may come to try each:
//
//	counted -(report)-> gone     counted -(deadline, superseded, refused by probation)-> not counted -(late report, or seven days)-> gone
//	counted -(grant)-> counted and sealed: its agent may be trying
package vault
