// Package scheduler decides when saved jobs run.
//
// Tables (schema scheduler): schedule, fire.
//
// A tick takes due schedules with FOR UPDATE SKIP LOCKED, records a fire for each and moves next_fire_at on, in one transaction. Only then, outside
// of it, job is asked for the run, with request_id "<schedule>@<due>"; the fire remembers the run.
//
//	schedule:  resting (next_fire_at NULL) <-> waiting -- due --> waiting
//	fire:      open (ask_at) -- job answered --> settled (run_id)
//	                         -- job refused, or a day has passed --> settled (error)
//	                         -- job is away --> open, asked again
//
// Invariants:
//
//   - (schedule, due) is unique: any number of replicas may tick, nothing needs a leader, and nothing fires twice.
//   - A crash between the two steps leaves an open fire, which any replica drives again; job answers the run it made the first time. An open fire is
//     given up before job forgets the request_id (24 h).
//   - After a pause of the scheduler each schedule fires once, for the latest time it missed.
//   - A tick costs what is due, not what exists: both queues are partial indexes.
//
// Times of a cron expression are wall-clock times of the schedule's zone. One that a clock change skips fires at the first instant after the gap
// (several such fire once together); one that occurs twice fires the first time only. Intervals (every) count elapsed time and know no zone.
package scheduler
