// Package app composes the house: it is the only package that knows more than one service. catalog.go lists the services on one screen; everything else
// here is the same for all of them, whether they run in one process or each in its own.
//
//	Run -> database (private PostgreSQL, or database.url) -> a pool and migrations for each local service
//	    -> connections: in memory to local neighbours, mutual TLS to the rest
//	    -> services -> listeners: --grpc (users), --internal (services), --agents (agents), --http (REST, health, metrics)
//	    -> the local agent, where hub runs
//
// Draining goes the other way round: HTTP stops, the local agent finishes, the hub ends its own streams, loops end, gRPC stops, pools close,
// PostgreSQL stops. SIGTERM ends everything within 15 seconds.
//
// Invariants:
//   - There is no second code path: a service cannot tell where its neighbours run.
//   - Nothing listens on an address that is not loopback without TLS, unless --insecure-http says so.
//   - Clients dial lazily, so services start in any order.
package app
