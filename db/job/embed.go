// Package jobdb carries the migrations of the schema of service job.
package jobdb

import "embed"

// Migrations holds migrations/*.sql, for goose.
//
//go:embed migrations/*.sql
var Migrations embed.FS
