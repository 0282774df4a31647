package archive

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/jackc/pgx/v5"
)

// leap is how far a sequence that belongs to no column goes ahead of the dump: further than NetRaven could have counted since, at a
// thousand claims a second for thirty years, and an eight-millionth of what a bigint holds.
const leap = int64(1) << 40

// Restore loads a dump into a database that holds nothing of NetRaven, all of it or nothing. It blocks until the dump has been read to its end,
// and may be repeated after a failure, a kill too. `serve` then migrates further up by itself.
func Restore(ctx context.Context, d Database, r io.Reader) (*Manifest, error) {
	in, m, err := openReader(r)
	if err != nil {
		return nil, err
	}
	defer in.close()
	if err := m.check(d.Schemas); err != nil {
		return nil, err
	}
	conn, err := d.connect(ctx, "restore")
	if err != nil {
		return nil, err
	}
	defer closeConn(ctx, conn)
	if err := d.requireEmpty(ctx, conn); err != nil {
		return nil, err
	}
	if err := d.stage(ctx, conn, m); err != nil {
		return nil, err
	}
	if err := d.load(ctx, conn, m, in); err != nil {
		d.cleanUp(ctx)
		return nil, err
	}
	d.analyze(ctx, conn, m)
	return m, nil
}

// load fills the staged schemas and puts them in place, in one transaction.
func (d Database) load(ctx context.Context, conn *pgx.Conn, m *Manifest, in *reader) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	for _, c := range m.Schemas {
		if err := d.loadSchema(ctx, tx, c, in); err != nil {
			return err
		}
	}
	if err := in.finish(m.Rows()); err != nil {
		return err
	}
	for _, c := range m.Schemas {
		if err := putInPlace(ctx, tx, c.Name); err != nil {
			return fmt.Errorf("put schema %s in place: %w", c.Name, err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (d Database) loadSchema(ctx context.Context, tx pgx.Tx, c Content, in *reader) error {
	if err := requireSame(ctx, tx, c); err != nil {
		return err
	}
	triggers, err := switchOff(ctx, tx, staged(c.Name))
	if err != nil {
		return fmt.Errorf("triggers of %s: %w", c.Name, err)
	}
	for _, t := range slices.Backward(c.Tables) { // rows that migrations made are in the dump as they are now
		if _, err := tx.Exec(ctx, "DELETE FROM "+ident(staged(c.Name), t.Name)); err != nil {
			return fmt.Errorf("clear %s.%s: %w", c.Name, t.Name, err)
		}
	}
	for _, t := range c.Tables {
		if err := loadTable(ctx, tx, c.Name, t, in); err != nil {
			return err
		}
		d.say("restored %s.%s: %d rows", c.Name, t.Name, t.Rows)
	}
	if err := switchOn(ctx, tx, triggers); err != nil {
		return fmt.Errorf("triggers of %s: %w", c.Name, err)
	}
	return setSequences(ctx, tx, c)
}

func loadTable(ctx context.Context, tx pgx.Tx, schema string, t Table, in *reader) error {
	from := in.table(schema, t.Name)
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, from, "COPY "+ident(staged(schema), t.Name)+" "+columnList(t)+" FROM STDIN")
	if from.err != nil {
		return from.err
	}
	if err != nil {
		return fmt.Errorf("restore %s.%s: %w", schema, t.Name, err)
	}
	var rows int64
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+ident(staged(schema), t.Name)).Scan(&rows); err != nil {
		return fmt.Errorf("count %s.%s: %w", schema, t.Name, err)
	}
	if rows != t.Rows || tag.RowsAffected() != t.Rows {
		return fmt.Errorf("restore %s.%s: %d rows are there, the dump promised %d", schema, t.Name, rows, t.Rows)
	}
	return nil
}

// requireSame compares the dump's tables with those that the migrations have made.
func requireSame(ctx context.Context, tx pgx.Tx, c Content) error {
	made, err := tables(ctx, tx, staged(c.Name))
	if err != nil {
		return fmt.Errorf("schema %s: %w", c.Name, err)
	}
	differ := func(what string) error {
		return fmt.Errorf("the dump's schema %s is not what version %d makes of it: %s", c.Name, c.Version, what)
	}
	here := map[string]Table{}
	for _, t := range made {
		here[t.Name] = t
	}
	for _, t := range c.Tables {
		h, ok := here[t.Name]
		if !ok {
			return differ("it has a table " + t.Name)
		}
		if !slices.Equal(slices.Sorted(slices.Values(h.Columns)), slices.Sorted(slices.Values(t.Columns))) {
			return differ("table " + t.Name + " has other columns")
		}
		delete(here, t.Name)
	}
	for name := range here {
		return differ("it has no table " + name)
	}
	return nil
}

// setSequences lets each sequence go on where the dump's stood, or well above it: see leap.
func setSequences(ctx context.Context, tx pgx.Tx, c Content) error {
	made, owned, err := sequences(ctx, tx, staged(c.Name))
	if err != nil {
		return fmt.Errorf("sequences of %s: %w", c.Name, err)
	}
	for _, s := range c.Sequences {
		if !slices.ContainsFunc(made, func(m Sequence) bool { return m.Name == s.Name }) {
			return fmt.Errorf("the dump's schema %s is not what version %d makes of it: it has a sequence %s", c.Name, c.Version, s.Name)
		}
		ahead := leap
		if slices.Contains(owned, s.Name) {
			ahead = 0
		}
		const set = `SELECT setval(seqrelid, CASE WHEN $2 < seqmax - $3 THEN $2 + $3 ELSE $2 END, $4) FROM pg_sequence WHERE seqrelid = $1::regclass`
		if _, err := tx.Exec(ctx, set, ident(staged(c.Name), s.Name), s.Last, ahead, s.Called); err != nil {
			return fmt.Errorf("sequence %s.%s: %w", c.Name, s.Name, err)
		}
	}
	return nil
}
