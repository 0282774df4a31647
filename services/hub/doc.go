// Package hub is where agents connect. It keeps one stream for each connected agent, claims work from job for it, and carries results to
// gitstore, job, inventory and vault. It owns the rows of the agents seen (schema hub, table agent) and nothing else: it owns no work, is
// trusted with no secret and signs nothing.
//
// Invariants:
//   - Who an agent is comes from its TLS certificate, never from a message.
//   - The newest stream of an agent wins; an older one is ended, on this replica at once, on another when it next writes its row.
//   - A result is acknowledged DURABLE only after gitstore (where it has artifacts), job, inventory and vault have it. Every one of
//     these calls is idempotent by (task, fence), so an agent may send a result again to any replica at any time.
//   - Which agent held an attempt is proved by the signed spec in the result: nothing about attempts has to be remembered here.
//   - What an attempt found out (Result.found) travels to job in the call that ends the attempt, cut to what the house records. It is masked text:
//     the hub sees no more than a reader of configurations.
//   - Nothing waits for a slow agent: its queue is bounded, and it is closed when the queue is full or does not move.
//   - An agent that auth has revoked has no stream ten seconds later.
//
// A stream:
//
//	TLS -> Connect -> Hello... -> job.ResumeAgent -> Welcome, ResumeVerdict... -> open
//	open -(silence of three intervals | slow | replaced | revoked | draining | read error)-> ended
//
// An attempt, as one stream sees it:
//
//	claimed -> offered -(10 s)-> OfferRevoked, forgotten
//	              |-> declined -> job
//	              '-> accepted -> started -> result -> stored -> finished -> observed -> DURABLE
//
// Calls of many streams to one neighbour are collected into few (batch.go); what must keep its order within a stream goes through a
// lane (lane.go).
package hub
