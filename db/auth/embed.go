// Package authdb holds the migrations of the schema `auth`: users, sessions, keys, the agents' authority and the audit trail.
package authdb

import "embed"

// Migrations holds migrations/*.sql, in goose's form.
//
//go:embed migrations/*.sql
var Migrations embed.FS
