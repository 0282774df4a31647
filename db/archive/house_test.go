package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/db"
	"github.com/netraven/netraven/db/archive"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/internal/secret"
)

// at is the house's database at url.
func at(url string) archive.Database {
	return archive.Database{URL: secret.NewString(url), Schemas: app.Schemas(), NetRaven: "1.2.3"}
}

// filled is a database with every schema of the house, and rows in every table.
func filled(t *testing.T) string {
	t.Helper()
	url := pgtest.URL(t)
	for _, s := range app.Schemas() {
		pool := pgtest.Open(t, url, db.Options{Schema: s.Name, MaxConns: 1})
		require.NoError(t, db.Migrate(t.Context(), pool, s.Name, s.Migrations))
		rows, err := os.ReadFile("testdata/" + s.Name + ".sql")
		require.NoError(t, err, "a new schema needs rows to be tested with")
		_, err = pool.Exec(t.Context(), string(rows))
		require.NoError(t, err, s.Name)
	}
	return url
}

// saved is a dump of a filled database. It is made once; tests read it only.
func saved(t *testing.T) ([]byte, *archive.Manifest) {
	t.Helper()
	once.Do(func() { file, manifest = dump(t, filled(t)) })
	require.NotNil(t, manifest, "the test that made the dump failed")
	return file, manifest
}

var (
	once     sync.Once
	file     []byte
	manifest *archive.Manifest
)

func dump(t *testing.T, url string) ([]byte, *archive.Manifest) {
	t.Helper()
	var out bytes.Buffer
	m, err := archive.Dump(t.Context(), at(url), &out)
	require.NoError(t, err)
	return out.Bytes(), m
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) })
	return conn
}

// lines asks for one column of texts.
func lines(t *testing.T, conn *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	require.NoError(t, err, sql)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err, sql)
	return found
}

// contents are all rows of all tables as text, without the columns that are not carried.
func contents(t *testing.T, url string, m *archive.Manifest) map[string][]string {
	t.Helper()
	conn := connect(t, url)
	all := map[string][]string{}
	for _, c := range m.Schemas {
		for _, table := range c.Tables {
			name := pgx.Identifier{c.Name, table.Name}.Sanitize()
			all[c.Name+"."+table.Name] = lines(t, conn, fmt.Sprintf("SELECT ROW(%s)::text COLLATE \"C\" FROM %s ORDER BY 1", strings.Join(table.Columns, ", "), name))
		}
	}
	return all
}

// shape is everything that migrations make: columns, constraints, indexes, triggers, views, sequences, versions.
func shape(t *testing.T, url string) []string {
	t.Helper()
	conn := connect(t, url)
	var all []string
	for _, s := range app.Schemas() {
		_, err := conn.Exec(t.Context(), "SET search_path = "+pgx.Identifier{s.Name}.Sanitize())
		require.NoError(t, err)
		for _, sql := range []string{
			`SELECT format('%s %s %s %s %s %s', c.relname, c.relkind, c.reloptions, a.attname, format_type(a.atttypid, a.atttypmod), a.attstorage) || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
				FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relnamespace = $1::regnamespace AND a.attnum > 0 ORDER BY 1`,
			`SELECT conname || ' ' || convalidated || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = $1::regnamespace ORDER BY 1`,
			`SELECT indexdef FROM pg_indexes WHERE schemaname = $1::regnamespace::text ORDER BY 1`,
			`SELECT t.tgenabled::text || pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = $1::regnamespace AND NOT t.tgisinternal ORDER BY 1`,
			`SELECT viewname || definition FROM pg_views WHERE schemaname = $1::regnamespace::text ORDER BY 1`,
			`SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = $1::regnamespace ORDER BY 1`,
			`SELECT seqrelid::regclass::text || seqtypid::regtype || seqmax FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid WHERE c.relnamespace = $1::regnamespace ORDER BY 1`,
		} {
			all = append(all, lines(t, conn, sql, s.Name)...)
		}
		all = append(all, lines(t, conn, "SELECT version_id::text FROM goose_version ORDER BY version_id")...)
	}
	return all
}

func schemas(t *testing.T, url string) []string {
	t.Helper()
	return lines(t, connect(t, url), `SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public)' ORDER BY 1`)
}
