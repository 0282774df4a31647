// Package stage sets up what demo and bench show: the built programs as processes of their own on free loopback ports, in a temporary folder, and a client of the
// REST contract.
//
// Invariants:
//   - Everything is under one temporary folder outside the checkout, which PostgreSQL can pass through even as another user (0711).
//   - A process that was started here ends with the program that started it, even by kill -9 (Linux), and is signalled only by its own id.
//   - No secret is in a command line: tokens go by standard input, passwords by REST.
package stage
