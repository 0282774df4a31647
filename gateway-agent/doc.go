// Package agent is the program that runs where the devices are. It dials the hub, holds one stream, takes offers of work, talks to devices
// through package jobkind, and keeps every result on disk until the hub says that it is durable. It listens on nothing.
//
// The server's own agent (gateway `local`) is this same code with another dialer.
//
// Invariants:
//   - The agent trusts the authority that it pinned when it joined, and nothing the hub says of itself. It works on a spec only if job
//     signed it for this agent, and uses a grant only if vault signed it for that spec.
//   - The policy file decides which devices may be touched; no message can widen it.
//   - Keys are made here and never leave; the join token is never in the command line or the environment, and its file is removed.
//   - A result is on disk before it is sent and until it is DURABLE. A restart or a cut stream loses nothing; a result may be sent twice,
//     never not at all. What the agent began and did not finish before a restart is in the journal and is reported.
//   - Before an attempt changes its device, that is in the journal (fsync) and the hub has said Proceed to that very question; no answer means no.
//     Only a spec that says mutating may ask, and only where the policy file allows that effect.
//   - An attempt is (task, fence). A second offer of the same attempt is answered, not begun again.
//   - Originals are sealed under the device's own key before they touch the disk. Grants exist in memory only. What else an attempt found out is
//     masked text.
//   - A full spool takes no more work; it never drops a result.
//
// The link:
//
//	no identity -> Enroll -> identity on disk
//	dial -> Hello... -> Welcome, verdicts -> open -(cut, silent, drained, renewed)-> wait (1 to 64 s, random) -> dial
//
// An attempt:
//
//	Offer -> checked -> refused
//	            '-> journal, OfferReply, Started -> jobkind (CredentialRequest -> CredentialGrant; ProceedRequest -> ProceedReply) -> sealed -> spool -> Result
//	Result -> DURABLE: record dropped | NEED_CONTENT: sent in full | RETRY_LATER: sent later | REJECT: record quarantined
package agent
