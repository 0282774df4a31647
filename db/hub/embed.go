// Package hubdb holds the migrations of the hub's schema.
package hubdb

import "embed"

// Migrations are goose migrations under migrations/, with unqualified names: the search_path decides the schema.
//
//go:embed migrations/*.sql
var Migrations embed.FS
