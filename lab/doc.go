// Package lab serves simulated network devices over real SSH, for the demo,
// the end-to-end tests, the benches, and for people who write platform pages.
// It is never linked into the product, and it knows nothing of the product.
//
// # What it owns
//
// A Lab holds Devices. A Device has a personality (one of Platforms), a
// configuration generated from the lab's seed and the device's name, a host
// key, one Fault that may be changed at any time, and Counters. Everything a
// device says is made up here; no recording of a real device is in this
// package.
//
// # One connection
//
//	TCP accept -> (reset | mute) -> SSH handshake -> login -> channels
//	                                    |              |
//	                              legacy only     refused, counted per account
//
//	channel: pty? -> shell: greeting -> prompt -> line -> answer -> prompt ... exit
//	             \-> exec:  one answer, exit status
//
// # Invariants
//
//   - The same seed and the same device names give the same configurations and
//     the same host keys, so that a restarted lab looks like the same network.
//     Only what a real device changes by itself (times, clock-period) differs.
//   - A fault applies from the next connection for what happens before the
//     login, and from the next answer for everything else.
//   - A session counts from the accepted login until the client has closed its
//     TCP connection. MaxSessions in Counters is what proves or disproves
//     "never two sessions to a device at once".
//   - Close returns when every goroutine of the lab has ended.
//   - It listens on loopback addresses unless Config.Open is set.
//
// The login names and passwords of a lab are no secrets: they are printed.
package lab
