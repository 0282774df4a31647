// Package gitstoredb holds the migrations of the schema `gitstore`: repositories, artifacts, revisions, sealed originals and what was stored of each attempt.
package gitstoredb

import "embed"

// Migrations holds migrations/*.sql, in goose's form.
//
//go:embed migrations/*.sql
var Migrations embed.FS
