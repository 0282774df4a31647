// Package inventorydb holds the migrations of the schema `inventory`: gateways, sites, tags, devices, host keys and platform pages.
package inventorydb

import "embed"

// Migrations holds migrations/*.sql, in goose's form.
//
//go:embed migrations/*.sql
var Migrations embed.FS
