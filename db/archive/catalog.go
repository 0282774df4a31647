package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// gooseTable is made by migrating, so it is not carried.
const gooseTable = "goose_version"

// A column without a value of its own in another cluster is left out: a generated one, and one that defaults to the transaction's number.
const columnsSQL = `
SELECT c.relname, c.relkind::text, a.attname
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> '` + gooseTable + `'
  AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') NOT LIKE '%pg_current_xact_id%'
ORDER BY c.relname, a.attnum`

const referencesSQL = `
SELECT t.relname, r.relname
FROM pg_constraint k
JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_class r ON r.oid = k.confrelid
WHERE k.contype = 'f' AND k.connamespace = $1::regnamespace AND k.conrelid <> k.confrelid
ORDER BY 1, 2`

// tables lists a schema's tables with their columns, each after those that its foreign keys name. Rows are not counted.
func tables(ctx context.Context, tx pgx.Tx, schema string) ([]Table, error) {
	rows, err := tx.Query(ctx, columnsSQL, ident(schema))
	if err != nil {
		return nil, err
	}
	var found []Table
	var name, kind, column string
	_, err = pgx.ForEachRow(rows, []any{&name, &kind, &column}, func() error {
		if kind == "p" {
			return fmt.Errorf("table %s.%s is partitioned, which dumps cannot carry", schema, name)
		}
		if n := len(found); n == 0 || found[n-1].Name != name {
			found = append(found, Table{Name: name})
		}
		last := &found[len(found)-1]
		last.Columns = append(last.Columns, column)
		return nil
	})
	if err != nil {
		return nil, err
	}
	needs, err := references(ctx, tx, schema)
	if err != nil {
		return nil, err
	}
	return inOrder(schema, found, needs)
}

// references answers which tables each table's foreign keys name.
func references(ctx context.Context, tx pgx.Tx, schema string) (map[string][]string, error) {
	rows, err := tx.Query(ctx, referencesSQL, ident(schema))
	if err != nil {
		return nil, err
	}
	needs := map[string][]string{}
	var from, to string
	_, err = pgx.ForEachRow(rows, []any{&from, &to}, func() error {
		needs[from] = append(needs[from], to)
		return nil
	})
	return needs, err
}

// inOrder sorts tables so that each comes after those it needs, by name where that leaves a choice.
func inOrder(schema string, found []Table, needs map[string][]string) ([]Table, error) {
	var ordered []Table
	done := map[string]bool{}
	for len(ordered) < len(found) {
		next := slices.IndexFunc(found, func(t Table) bool {
			return !done[t.Name] && !slices.ContainsFunc(needs[t.Name], func(n string) bool { return !done[n] })
		})
		if next < 0 {
			var left []string
			for _, t := range found {
				if !done[t.Name] {
					left = append(left, t.Name)
				}
			}
			return nil, fmt.Errorf("tables of %s need each other by foreign keys, so no order of loading them is right: %s", schema, strings.Join(left, ", "))
		}
		done[found[next].Name] = true
		ordered = append(ordered, found[next])
	}
	return ordered, nil
}

const sequencesSQL = `
SELECT c.relname, EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)
FROM pg_class c
WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'S'
  AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
                  WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND t.relname = '` + gooseTable + `')
ORDER BY c.relname`

// sequences lists a schema's sequences and where they stand; owned are the names of those that belong to a column.
func sequences(ctx context.Context, tx pgx.Tx, schema string) (found []Sequence, owned []string, err error) {
	rows, err := tx.Query(ctx, sequencesSQL, ident(schema))
	if err != nil {
		return nil, nil, err
	}
	var name string
	var belongs bool
	_, err = pgx.ForEachRow(rows, []any{&name, &belongs}, func() error {
		found = append(found, Sequence{Name: name})
		if belongs {
			owned = append(owned, name)
		}
		return nil
	})
	for i := range found {
		if err == nil {
			err = tx.QueryRow(ctx, "SELECT last_value, is_called FROM "+ident(schema, found[i].Name)).Scan(&found[i].Last, &found[i].Called)
		}
	}
	return found, owned, err
}

// version is the schema's last migration; ok is false where there is none.
func version(ctx context.Context, tx pgx.Tx, schema string) (v int64, ok bool, err error) {
	var there *string
	if err := tx.QueryRow(ctx, "SELECT to_regclass($1)::text", ident(schema, gooseTable)).Scan(&there); err != nil || there == nil {
		return 0, false, err
	}
	err = tx.QueryRow(ctx, "SELECT version_id FROM "+ident(schema, gooseTable)+" WHERE is_applied AND version_id > 0 ORDER BY version_id DESC LIMIT 1").Scan(&v)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	return v, err == nil, err
}

func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// columnList is a table's columns as COPY takes them.
func columnList(t Table) string {
	quoted := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		quoted[i] = ident(c)
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}
