package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/netraven/netraven/db"
)

// format is the version of the file's layout. Readers refuse others.
const format = 1

// Schema is a schema that NetRaven knows, with its migrations.
type Schema struct {
	Name       string
	Migrations fs.FS
}

// Manifest is the first entry of a dump.
type Manifest struct {
	Format   int       `json:"format"`
	NetRaven string    `json:"netraven"` // version of the program
	Postgres int       `json:"postgres"` // major version of the server
	Created  time.Time `json:"created"`
	Schemas  []Content `json:"schemas"`
}

// Content is what a dump holds of a schema.
type Content struct {
	Name      string     `json:"name"`
	Version   int64      `json:"version"` // of the last migration
	Tables    []Table    `json:"tables"`  // each after those that its foreign keys name
	Sequences []Sequence `json:"sequences"`
}

// Table is a table without its rows.
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
}

// Sequence is where a sequence stands.
type Sequence struct {
	Name   string `json:"name"`
	Last   int64  `json:"last"`
	Called bool   `json:"called"` // Last has been given out
}

// Rows is how many rows the dump holds.
func (m *Manifest) Rows() int64 {
	var n int64
	for _, c := range m.Schemas {
		for _, t := range c.Tables {
			n += t.Rows
		}
	}
	return n
}

// check refuses what this program cannot restore.
func (m *Manifest) check(known []Schema) error {
	if m.Format != format {
		return fmt.Errorf("the dump has format %d, this program (which reads format %d) cannot: use the NetRaven that made it (%s) or a later one", m.Format, format, m.NetRaven)
	}
	if len(m.Schemas) == 0 {
		return errors.New("the dump holds nothing")
	}
	for _, c := range m.Schemas {
		s, ok := find(known, c.Name)
		if !ok {
			return fmt.Errorf("the dump holds a schema %q that this program does not know: it was made by NetRaven %s, use that version or a later one", c.Name, m.NetRaven)
		}
		ok, err := db.HasVersion(s.Migrations, c.Version)
		if err != nil {
			return fmt.Errorf("migrations of %s: %w", c.Name, err)
		}
		if !ok {
			return fmt.Errorf("the dump's schema %s is at version %d, which this program does not know: it was made by NetRaven %s, use that version or a later one",
				c.Name, c.Version, m.NetRaven)
		}
	}
	return nil
}

func find(schemas []Schema, name string) (Schema, bool) {
	for _, s := range schemas {
		if s.Name == name {
			return s, true
		}
	}
	return Schema{}, false
}
