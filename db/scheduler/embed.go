// Package schedulerdb carries the migrations of the schema of service scheduler.
package schedulerdb

import "embed"

// Migrations holds migrations/*.sql, for goose.
//
//go:embed migrations/*.sql
var Migrations embed.FS
