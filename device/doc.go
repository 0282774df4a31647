// Package device is a logged-in session with a network device: SSH, prompts, login, limits and the
// failures of all these. It knows what a platform page says and nothing of jobs, hubs or databases.
//
//	          Config.Dial            Config.Credentials            page.Login
//	connect ------------> host key ---------------------> auth ------------> prompt -> Run ... Run -> Close
//	   |                     |                              |                   |
//	UNREACHABLE          HOST_KEY                         AUTH              PRIVILEGE
//	BUSY  TIMEOUT        ALGORITHM                   (next credential,      PROMPT
//	POLICY                                          new connection)         TIMEOUT
//
// Invariants:
//   - No credential is asked for before the device proved an accepted host key; with pinned keys only
//     their algorithms are offered, so that nobody can show a key of another type instead.
//   - A connection tries one credential, and with it at most one method that carries the password. A
//     second question for the same password is a refusal.
//   - A jump host is logged in to like a device, with a host key and credentials of its own; the device's own check comes after it, end to
//     end. What goes wrong there has the stage "jump".
//   - The next credential is tried only after a refusal, and on a new connection.
//   - Whatever ends a session early (ctx, deadline, silence, a limit) closes the socket at once. After
//     Close nothing of the session is left running.
//   - Everything that reads device bytes is linear in their number and bounded by Limits.
//   - Of all sessions of the process, two may hold an answer of more than 1 MiB, each until it is closed.
//     The others do not read on until one of them is: the device waits before its full SSH window.
//
// A Transcript is fed by Config.Traffic and Config.Progress. It holds at most 512 KiB of what a device says in one go, in a screen of its own.
//
// A page whose text does not tell its end, read by exec channels, is read again in a shell of the same
// connection before it counts as new (jobkind): a device that stops talking closes a channel like one that has said all.
//
// How an answer is told from noise: bytes pass a small terminal (screen) that applies CR, BS and the
// control sequences a line editor uses, so that redrawn echoes and wiped pagers leave clean lines. An
// answer begins behind the echo of its command and ends before the prompt. The first prompt is what the
// page's pattern finds; the part of it that names the host is learned, so that later a mere look-alike
// is not enough: it has to come again after an empty line ("nudge").
//
//	send -> echo seen? -> learned prompt at the end ------------------------------> answer
//	          |  no           | only a look-alike
//	          +---> quiet ----+---> nudge -> the same prompt twice ---------------> answer
//	                                  | more output: go on reading
package device
