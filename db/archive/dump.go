package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/netraven/netraven/internal/secret"
)

// Database is a PostgreSQL that holds, or shall hold, NetRaven's schemas.
type Database struct {
	URL      secret.String
	Schemas  []Schema
	NetRaven string            // version of this program, written into dumps
	Progress func(line string) // told of each table; nil: nobody is
}

func (d Database) say(format string, args ...any) {
	if d.Progress != nil {
		d.Progress(fmt.Sprintf(format, args...))
	}
}

// connect opens a connection whose text output depends on no setting of the server, with no limit on how long a statement or a pause takes.
func (d Database) connect(ctx context.Context, purpose string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(d.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err) // pgx takes the password out of it
	}
	maps.Copy(cfg.RuntimeParams, map[string]string{
		"application_name": "netraven-" + purpose, "client_encoding": "UTF8", "timezone": "UTC", "datestyle": "ISO, YMD", "intervalstyle": "postgres",
		"extra_float_digits": "1", "bytea_output": "hex", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0", "lock_timeout": "15000",
		"search_path": "pg_catalog",
	})
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return conn, nil
}

func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = conn.Close(ctx) // everything that counts is committed or lost by now
}

// Dump writes everything that the database holds of the known schemas to w, as it is at one moment; others may go on working. It blocks until
// all is written, changes nothing and may be repeated. What it wrote is worth nothing unless it returns nil.
func Dump(ctx context.Context, d Database, w io.Writer) (*Manifest, error) {
	conn, err := d.connect(ctx, "dump")
	if err != nil {
		return nil, err
	}
	defer closeConn(ctx, conn)
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	m, err := d.survey(ctx, tx)
	if err != nil {
		return nil, err
	}
	out, err := newWriter(w, m.Created)
	if err != nil {
		return nil, err
	}
	if err := d.write(ctx, tx, m, out); err != nil {
		out.abandon()
		return nil, err
	}
	if err := out.close(); err != nil {
		return nil, fmt.Errorf("write the dump: %w", err)
	}
	return m, nil
}

// survey makes the manifest: it counts, because the manifest stands before the rows.
func (d Database) survey(ctx context.Context, tx pgx.Tx) (*Manifest, error) {
	m := &Manifest{Format: format, NetRaven: d.NetRaven, Created: time.Now().UTC().Truncate(time.Second)}
	major, err := serverMajor(ctx, tx)
	if err != nil {
		return nil, err
	}
	m.Postgres = major
	for _, s := range d.Schemas {
		v, ok, err := version(ctx, tx, s.Name)
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", s.Name, err)
		}
		if !ok {
			continue
		}
		c := Content{Name: s.Name, Version: v}
		if c.Tables, err = tables(ctx, tx, s.Name); err != nil {
			return nil, fmt.Errorf("schema %s: %w", s.Name, err)
		}
		for i, t := range c.Tables {
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+ident(s.Name, t.Name)).Scan(&c.Tables[i].Rows); err != nil {
				return nil, fmt.Errorf("count %s.%s: %w", s.Name, t.Name, err)
			}
		}
		if c.Sequences, _, err = sequences(ctx, tx, s.Name); err != nil {
			return nil, fmt.Errorf("sequences of %s: %w", s.Name, err)
		}
		m.Schemas = append(m.Schemas, c)
	}
	if len(m.Schemas) == 0 {
		return nil, errors.New("there is nothing of NetRaven in this database")
	}
	return m, nil
}

func serverMajor(ctx context.Context, tx pgx.Tx) (int, error) {
	var text string
	if err := tx.QueryRow(ctx, "SELECT current_setting('server_version_num')").Scan(&text); err != nil {
		return 0, err
	}
	num, err := strconv.Atoi(strings.TrimSpace(text))
	return num / 10000, err
}

func (d Database) write(ctx context.Context, tx pgx.Tx, m *Manifest, out *writer) error {
	if err := out.json(manifestName, m); err != nil {
		return fmt.Errorf("write the dump: %w", err)
	}
	for _, c := range m.Schemas {
		for _, t := range c.Tables {
			into := &parts{w: out, schema: c.Name, table: t.Name}
			tag, err := tx.Conn().PgConn().CopyTo(ctx, into, "COPY "+ident(c.Name, t.Name)+" "+columnList(t)+" TO STDOUT")
			if err == nil {
				err = into.flush()
			}
			if err != nil {
				return fmt.Errorf("dump %s.%s: %w", c.Name, t.Name, err)
			}
			if tag.RowsAffected() != t.Rows { // they are of one snapshot
				return fmt.Errorf("dump %s.%s: %d rows, after %d were counted", c.Name, t.Name, tag.RowsAffected(), t.Rows)
			}
			d.say("dumped %s.%s: %d rows", c.Name, t.Name, t.Rows)
		}
	}
	if err := out.json(endName, end{Rows: m.Rows()}); err != nil {
		return fmt.Errorf("write the dump: %w", err)
	}
	return nil
}
