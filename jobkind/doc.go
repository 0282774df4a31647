// Package jobkind holds everything NetRaven can do to a device, one file per kind. It runs inside the
// agent, between the signed spec of an attempt and the result that the agent spools.
//
// A kind is described (Describe), checks parameters before a run exists (Validate) and works on one
// device (Run). Catalog lists the kinds; there is no other registry.
//
// What happens in one attempt:
//
//	Env -> connect -> host key checked -> Env.Credentials (once) -> login -> the kind's work -> Outcome
//
// Invariants:
//   - A device that fails is data: Outcome.Failure says the class, the stage, the credential's name,
//     the device's last words and what to try. Run returns no Go error and does not panic on anything
//     a device sends.
//   - No secret is asked for before the device has shown an accepted host key.
//   - A failed attempt has no artifacts: a backup that is not whole is nothing. What a kind found out (Outcome.Found) is there also
//     when it failed: the answers before a refused command are answers.
//   - Nothing in Outcome.Found is more than a reader of masked configurations may see: text of the device is masked by the page, what the
//     grant holds is removed from it literally, and it is bounded.
//   - The same holds for Outcome.Transcript, which is written only where the parameters ask for it. Answers to questions for a secret are never in it.
//   - A command that is not known only to read is refused before a run exists, and again here, unless the run is declared mutating. That is
//     a guard against mistakes; what the device's account may do is the fence.
//   - Failure.device_said is masked by the page, and what the grant holds is removed from it literally.
//   - When ctx ends, the device's socket is closed at once and Run returns.
package jobkind
