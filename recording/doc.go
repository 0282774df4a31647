// Package recording keeps what a device said in a session, and says it again: for users who write a platform page, and for
// the tests of our own pages.
//
//	device -> device.Config.Traffic -> Recorder -> Session (a file, JSON)
//	Session -> Server (SSH on loopback) -> the real engine -> what a backup would keep
//
// A Session is of the form device-session/1: a greeting, then exchanges of what was sent and all that came back, echo and
// prompt included, byte for byte.
//
// Invariants:
//   - A Recorder never keeps what was answered to a question for a password or an enable secret.
//   - Secrets in what the device said are masked by the page, unless the caller asks for the bytes as they came.
//   - A Server answers from the recording only; what was not recorded is refused, as a device would.
//   - Server listens on loopback only, and ends with its context.
package recording
