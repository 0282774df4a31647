// Package vaultdb holds the migrations of the schema `vault`: credentials, their budgets and reservations, data keys.
package vaultdb

import "embed"

// Migrations holds migrations/*.sql, in goose's form.
//
//go:embed migrations/*.sql
var Migrations embed.FS
