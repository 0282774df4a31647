// Package db opens PostgreSQL pools, migrates schemas and carries wake-ups between processes.
//
// One schema per service. Its migrations are db/<service>/migrations/NNNNN_name.sql with `-- +goose Up` (and `-- +goose Down`),
// embedded by db/<service>/embed.go:
//
//	// Package authdb holds the migrations of the schema auth.
//	package authdb
//
//	import "embed"
//
//	// Migrations are the schema's migrations.
//	//
//	//go:embed migrations/*.sql
//	var Migrations embed.FS
//
// Names in migrations and queries are unqualified: search_path decides,
// which lets sqlc read the migrations as they are and lets tests choose.
//
// Invariants:
//   - Every migration runs in one transaction, so a failing one leaves the schema as it was, and programs of the earlier version go on.
//   - A version is recorded in <schema>.goose_version in the same transaction as its changes.
//   - Replicas that start together migrate one after the other (an advisory lock per schema); all but the first find nothing to do.
//   - A program older than the schema starts and leaves the schema alone: migrations must stay compatible with one version back.
//   - Wake-ups (Listener) may be lost, merged or repeated. Whoever waits for one also polls.
package db
