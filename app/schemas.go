package app

import "github.com/netraven/netraven/db/archive"

// Schemas are the database schemas of the house, for dumps and restores.
func Schemas() []archive.Schema {
	var out []archive.Schema
	for _, r := range catalog {
		if r.migrations != nil {
			out = append(out, archive.Schema{Name: r.name, Migrations: r.migrations})
		}
	}
	return out
}
