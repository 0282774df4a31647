package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/netraven/netraven/db"
)

// staged is the schema's name until all of the dump is loaded.
func staged(schema string) string { return "netraven_restore_" + schema }

// requireEmpty takes the database for this restore (until conn closes) and refuses one that holds anything of NetRaven.
func (d Database) requireEmpty(ctx context.Context, conn *pgx.Conn) error {
	h := fnv.New64a()
	_, _ = h.Write([]byte("netraven restore")) // never fails
	if err := lockAlone(ctx, conn, int64(h.Sum64())); err != nil {
		return err
	}
	names := make([]string, len(d.Schemas))
	for i, s := range d.Schemas {
		names[i] = s.Name
	}
	const used = `SELECT DISTINCT n.nspname::text FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid WHERE n.nspname = ANY ($1) ORDER BY 1`
	rows, err := conn.Query(ctx, used, names)
	if err != nil {
		return err
	}
	full, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if len(full) > 0 {
		return fmt.Errorf("this database is not empty (it holds NetRaven's %s): restore into a new data folder or a new database; nothing was changed", strings.Join(full, ", "))
	}
	return nil
}

// lockPatience is how long the server may take to notice that the restore before has hung up.
const (
	lockPatience = 5 * time.Second
	lockPause    = 100 * time.Millisecond
)

func lockAlone(ctx context.Context, conn *pgx.Conn, key int64) error {
	for end := time.Now().Add(lockPatience); ; {
		var mine bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&mine); mine || err != nil {
			return err
		}
		if time.Now().After(end) {
			return errors.New("another restore is working on this database")
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stage makes the dump's schemas under other names, at the dump's versions. What an earlier, killed restore left goes first.
func (d Database) stage(ctx context.Context, conn *pgx.Conn, m *Manifest) (err error) {
	if err := d.unstage(ctx, conn); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.cleanUp(ctx)
		}
	}()
	for _, c := range m.Schemas {
		s, _ := find(d.Schemas, c.Name) // the manifest was checked
		pool, err := db.Open(ctx, d.URL.Reveal(), db.Options{Schema: staged(c.Name), MaxConns: 1, ApplicationName: "netraven-restore"})
		if err != nil {
			return err
		}
		err = db.MigrateTo(ctx, pool, staged(c.Name), s.Migrations, c.Version)
		pool.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// unstage drops what is staged. Only a restore makes schemas of these names.
func (d Database) unstage(ctx context.Context, conn *pgx.Conn) error {
	for _, s := range d.Schemas {
		if _, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+ident(staged(s.Name))+" CASCADE"); err != nil {
			return fmt.Errorf("drop what an unfinished restore left: %w", err)
		}
	}
	return nil
}

// cleanUp unstages after a failure, which may have cost the connection, or ctx.
func (d Database) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	conn, err := d.connect(ctx, "restore")
	if err == nil {
		defer closeConn(ctx, conn)
		err = d.unstage(ctx, conn)
	}
	if err != nil {
		d.say("schemas netraven_restore_* are left in the database; the next restore drops them (%v)", err)
	}
}

// putInPlace gives a staged schema its real name. An empty schema of that name, made by whoever prepared the database, makes way; one
// that a server has filled in the meantime does not.
func putInPlace(ctx context.Context, tx pgx.Tx, schema string) error {
	if _, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+ident(schema)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "ALTER SCHEMA "+ident(staged(schema))+" RENAME TO "+ident(schema))
	return err
}

// trigger is one that was switched off.
type trigger struct{ table, name string }

// switchOff keeps the schema's own triggers from firing on the load: they would refuse the clearing of append-only tables, or do a second
// time what is in the rows already. Foreign keys stay.
func switchOff(ctx context.Context, tx pgx.Tx, schema string) ([]trigger, error) {
	const enabled = `SELECT t.tgrelid::regclass::text, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND NOT t.tgisinternal AND t.tgenabled = 'O' ORDER BY 1, 2`
	rows, err := tx.Query(ctx, enabled, ident(schema))
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t trigger, err error) {
		return t, row.Scan(&t.table, &t.name)
	})
	if err != nil {
		return nil, err
	}
	for _, t := range found {
		if _, err := tx.Exec(ctx, "ALTER TABLE "+t.table+" DISABLE TRIGGER "+ident(t.name)); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func switchOn(ctx context.Context, tx pgx.Tx, triggers []trigger) error {
	for _, t := range triggers {
		if _, err := tx.Exec(ctx, "ALTER TABLE "+t.table+" ENABLE TRIGGER "+ident(t.name)); err != nil {
			return err
		}
	}
	return nil
}

// analyze lets the first queries be planned on what is there; where it fails, the server does the same by itself within minutes.
func (d Database) analyze(ctx context.Context, conn *pgx.Conn, m *Manifest) {
	for _, c := range m.Schemas {
		for _, t := range c.Tables {
			if _, err := conn.Exec(ctx, "ANALYZE "+ident(c.Name, t.Name)); err != nil {
				d.say("statistics of %s.%s are left to autovacuum: %v", c.Name, t.Name, err)
				return
			}
		}
	}
}
