// Package archive carries NetRaven's database from one PostgreSQL to another: `netraven db dump`, `restore` and `upgrade`.
//
// A dump is a tar compressed with zstd:
//
//	manifest.json         Manifest: versions, and for each table its columns and its number of rows
//	<schema>/<table>/<n>  rows in COPY's text format, cut at 4 MiB wherever that is; joined in order they are what COPY said
//	end.json              how many rows there were; a dump without it was cut off
//
// Text is the same for every PostgreSQL version and every processor; COPY needs neither pg_dump nor psql. Tables are in the order of
// their foreign keys, so that a restore can load them as they come, from a pipe too.
//
// States of a restore:
//
//	CHECKED -> STAGED (netraven_restore_<schema>, migrated to the dump's version) -> LOADED -> COUNTED -> COMMITTED (schemas renamed)
//	any -> FAILED, with the database as empty as it was; a killed one leaves its staging schemas, which the next one drops
//
// Invariants:
//   - A dump is one snapshot: what it shows of all schemas was true at one moment. Sequences are read after it, so none lags behind a row.
//   - A dump file is there whole or not at all. It holds secrets only as the database does: sealed, under keys that are not in it.
//   - Nothing is restored over anything: the schemas must be missing or without tables. They appear all at once, in the transaction that
//     loaded, counted and checked the whole dump.
//   - Rows pass every constraint again. Triggers of the schema do not fire: their work is in the rows already.
//   - Columns that default to the number of the writing transaction are not carried: such numbers mean nothing in another cluster.
//   - A sequence that belongs to no column (job's fence) numbers things outside the database. Those given out after the dump are unknown
//     to it, so a restored one goes on far above (see leap).
package archive
