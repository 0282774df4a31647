// Package job owns the work: what is to be done to which device, who does it, and what came of it. The queue is PostgreSQL.
//
// Tables (schema job): job, run, task, ready, device_slot, gateway_rate, attempt, task_log, run_delta, proven_device, request, task_result,
// task_transcript.
//
//	run:   PENDING -> EXPANDING -> RUNNING <-> PAUSED -> SUCCEEDED | PARTIAL | FAILED | CANCELLED | EXPIRED | EMPTY
//
//	task:  SCHEDULED -> READY -> OFFERED -> LEASED -> RUNNING -> SUCCEEDED | FAILED
//	                      ^         |          |         |
//	                      |  10 s   |          |         +-- failed, worth a retry --> RETRY_WAIT -- due --> READY
//	                      +---------+          |         +-- no news for 120 s ------> RETRY_WAIT  (FAILED/POISON at the last attempt)
//	                      +--------------------+         +-- the same, proceeded ----> INDETERMINATE
//	                                 no news for 120 s, not started
//	       waiting -> CANCELLED (run or task cancelled), EXPIRED (no agent for a day), SKIPPED (device gone), FAILED (no credential)
//
// Invariants:
//   - A device behind a jump host is offered with both its and the jump host's credentials reserved, or not at all. The jump host's spec is inside the
//     device's, signed on its own; its task id is derived from the task's.
//   - A claim gives a task a new fence. A change by an agent names (task, fence) and counts only while that fence is the task's; a task's fence
//     is 0 when no attempt may decide it any more. An attempt whose lease ran out keeps its fence until somebody else claims: a late report is
//     welcome until then, and harmless afterwards.
//   - device_slot holds at most one row a device. A lost attempt keeps its slot until the agent reports or until its deadline + 60 s, because its
//     session may still be open.
//   - A ready row exists exactly for the READY tasks of runs that are neither paused nor cancelled. Putting one in holds KEY SHARE on the run,
//     pausing and cancelling hold FOR UPDATE, so neither can miss the other.
//   - Counts of a run are its columns plus the run_delta rows that every transaction adds; a fold moves the latter into the former. Nothing
//     waits for a busy run row, and "as many tasks ended as there are" is exact because ended tasks never change.
//   - task_result is written in the transaction that ends the attempt it is of, so there is one exactly where the attempt counted and its kind
//     finds out anything; a newer attempt's replaces it. It holds masked text only, is bounded, and goes with its task. task_transcript is the
//     same for what was said and typed, where the run asks for it.
//   - A kind that logs in gets credentials and proves its device (proven_device); one that does not gets neither credentials nor host keys, and
//     proves nothing. A kind that is tried once ends with the device's failure; only what is no fault of the device is tried again.
//   - A mutating attempt asks before it changes its device (PROCEED). The answer is yes only to the attempt that may decide the task, and in the same
//     transaction the task becomes one that is never offered again (task.proceeded, with a CHECK): at most one attempt changes the device. Until
//     then it is tried again like any other. Who may change devices (job.run.mutate) started the run, by an audit line that was durable before it.
//   - Locks are taken in one order: ready, then task (by id), then device_slot.
//   - No transaction is open while another service is called: a claim is made first (OFFERED, 10 s), then resolved; a crash between lets it lapse.
//
// Correctness comes from polling; bells only make it quick.
package job
