package archive_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/db"
	"github.com/netraven/netraven/db/archive"
	"github.com/netraven/netraven/internal/pgtest"
)

func TestEverythingComesBack(t *testing.T) {
	from := filled(t)
	file, m := dump(t, from)
	require.Len(t, m.Schemas, len(app.Schemas()))
	for _, c := range m.Schemas {
		for _, table := range c.Tables {
			require.Positive(t, table.Rows, "testdata/%s.sql makes no row in %s: it is not tested", c.Name, table.Name)
		}
	}

	to := pgtest.URL(t)
	var said []string
	d := at(to)
	d.Progress = func(line string) { said = append(said, line) }
	restored, err := archive.Restore(t.Context(), d, bytes.NewReader(file))
	require.NoError(t, err)
	require.Equal(t, m, restored)
	require.Contains(t, said, "restored inventory.device: 20001 rows")

	require.Equal(t, contents(t, from, m), contents(t, to, m))
	require.Equal(t, shape(t, from), shape(t, to))
	require.Equal(t, schemas(t, from), schemas(t, to))
	for _, s := range app.Schemas() { // as serve does next
		require.NoError(t, db.Migrate(t.Context(), pgtest.Open(t, to, db.Options{Schema: s.Name}), s.Name, s.Migrations))
	}
	again, _ := dump(t, to)
	_, err = archive.Restore(t.Context(), at(pgtest.URL(t)), bytes.NewReader(again))
	require.NoError(t, err, "a restored database can be dumped and restored")
}

func TestFencesGoOnFarAboveTheDump(t *testing.T) {
	file, _ := saved(t)
	to := pgtest.URL(t)
	_, err := archive.Restore(t.Context(), at(to), bytes.NewReader(file))
	require.NoError(t, err)
	fence, err := strconv.ParseInt(lines(t, connect(t, to), "SELECT nextval('job.fence')::text")[0], 10, 64)
	require.NoError(t, err)
	require.Greater(t, fence, int64(42)+1<<39, "an attempt claimed after the dump must not meet its own fence again")
}

func TestTransactionNumbersAreNotCarried(t *testing.T) {
	from := filled(t)
	file, _ := dump(t, from)
	to := pgtest.URL(t)
	_, err := archive.Restore(t.Context(), at(to), bytes.NewReader(file))
	require.NoError(t, err)
	require.Equal(t, []string{"9000000000000"}, lines(t, connect(t, from), "SELECT touched::text FROM job.task"))
	require.Equal(t, []string{"t"}, lines(t, connect(t, to), "SELECT (touched < pg_current_xact_id()::text::bigint)::text::char FROM job.task"))
}

func TestAuditTrailIsAppendOnlyAgain(t *testing.T) {
	file, _ := saved(t)
	to := pgtest.URL(t)
	_, err := archive.Restore(t.Context(), at(to), bytes.NewReader(file))
	require.NoError(t, err)
	_, err = connect(t, to).Exec(t.Context(), "DELETE FROM auth.audit_line")
	require.ErrorContains(t, err, "append-only")
}

func TestDumpIsOneMomentWhileOthersWrite(t *testing.T) {
	from := filled(t)
	writer := connect(t, from)
	d := at(from)
	wrote := false
	d.Progress = func(string) {
		if !wrote { // the first table is out, the rest is still to come
			wrote = true
			_, err := writer.Exec(t.Context(), "INSERT INTO inventory.tag VALUES (gen_random_uuid(), 'late'); DELETE FROM job.request; SELECT nextval('job.fence')")
			require.NoError(t, err)
		}
	}
	var out bytes.Buffer
	_, err := archive.Dump(t.Context(), d, &out)
	require.NoError(t, err)
	to := pgtest.URL(t)
	_, err = archive.Restore(t.Context(), at(to), &out)
	require.NoError(t, err)
	require.Equal(t, []string{"core"}, lines(t, connect(t, to), "SELECT name FROM inventory.tag"))
	require.Equal(t, []string{"r"}, lines(t, connect(t, to), "SELECT request_id FROM job.request"))
}

func TestRestoreRefuses(t *testing.T) {
	from := filled(t)
	file, _ := dump(t, from)
	later := func(schema string) []archive.Schema { // this program is older than the dump
		all := app.Schemas()
		for i, s := range all {
			if s.Name == schema {
				all[i].Migrations = fstest.MapFS{"00000_other.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")}}
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		url     string
		file    []byte
		schemas []archive.Schema
		want    string
	}{
		"a database that is used":  {from, file, app.Schemas(), "not empty (it holds NetRaven's auth, gitstore"},
		"an unknown version":       {pgtest.URL(t), file, later("job"), "which this program does not know: it was made by NetRaven 1.2.3"},
		"an unknown schema":        {pgtest.URL(t), file, app.Schemas()[1:], `schema "auth"`},
		"something else":           {pgtest.URL(t), []byte("PGDMP"), app.Schemas(), "no dump of NetRaven"},
		"nothing":                  {pgtest.URL(t), nil, app.Schemas(), "no dump of NetRaven"},
		"a dump that is cut off":   {pgtest.URL(t), file[:len(file)*2/3], app.Schemas(), "cut off"},
		"a dump without its end":   {pgtest.URL(t), file[:len(file)-3], app.Schemas(), "cut off"},
		"a dump with a turned bit": {pgtest.URL(t), turned(file), app.Schemas(), ""}, // PostgreSQL may stumble first
	} {
		t.Run(name, func(t *testing.T) {
			d := at(c.url)
			d.Schemas = c.schemas
			before := schemas(t, c.url)
			_, err := archive.Restore(t.Context(), d, bytes.NewReader(c.file))
			require.Error(t, err)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, before, schemas(t, c.url), "nothing is left")
		})
	}
	_, err := archive.Dump(t.Context(), at(pgtest.URL(t)), io.Discard)
	require.ErrorContains(t, err, "nothing of NetRaven")
}

func turned(file []byte) []byte {
	out := bytes.Clone(file)
	out[len(out)/2] ^= 0x10
	return out
}

func TestFailedRestoreLeavesNothingAndMayBeRepeated(t *testing.T) {
	file, m := saved(t)
	to := pgtest.URL(t)
	ctx, cancel := context.WithCancel(t.Context())
	d := at(to)
	d.Progress = func(string) { cancel() } // in the middle of the load
	_, err := archive.Restore(ctx, d, bytes.NewReader(file))
	require.Error(t, err)
	require.Empty(t, schemas(t, to))
	_, err = archive.Restore(t.Context(), at(to), bytes.NewReader(file))
	require.NoError(t, err)
	require.Len(t, schemas(t, to), len(m.Schemas))
}

const restoreEnv = "NETRAVEN_TEST_RESTORE"

// TestPlayRestore is the process that TestKilledRestoreMayBeRepeated kills.
func TestPlayRestore(t *testing.T) {
	path, url, ok := strings.Cut(os.Getenv(restoreEnv), "@")
	if !ok {
		return
	}
	f, err := os.Open(path)
	require.NoError(t, err)
	d := at(url)
	d.Progress = func(line string) {
		if strings.HasPrefix(line, "restored inventory.device:") {
			fmt.Println("hangs")
			select {}
		}
	}
	_, err = archive.Restore(t.Context(), d, f)
	t.Fatal(err)
}

func TestKilledRestoreMayBeRepeated(t *testing.T) {
	file, m := saved(t)
	path, to := filepath.Join(t.TempDir(), "dump"), pgtest.URL(t)
	require.NoError(t, os.WriteFile(path, file, 0o600))
	cmd := exec.Command(os.Args[0], "-test.run=^TestPlayRestore$", "-test.v")
	cmd.Env = append(os.Environ(), restoreEnv+"="+path+"@"+to)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	hung := false
	for lines := bufio.NewScanner(out); !hung && lines.Scan(); {
		hung = lines.Text() == "hangs"
	}
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // reports the kill
	require.True(t, hung)
	for _, name := range schemas(t, to) {
		require.True(t, strings.HasPrefix(name, "netraven_restore_"), "serve sees nothing of a half restore: %s", name)
	}
	require.Eventually(t, func() bool { // the server may still hold the killed one's lock for a moment
		_, err = archive.Restore(t.Context(), at(to), bytes.NewReader(file))
		return err == nil || !strings.Contains(err.Error(), "another restore")
	}, time.Minute, 50*time.Millisecond)
	require.NoError(t, err)
	require.Len(t, schemas(t, to), len(m.Schemas))
}

func TestServerThatStartsInTheMiddleWins(t *testing.T) {
	file, _ := saved(t)
	to := pgtest.URL(t)
	hub := app.Schemas()[len(app.Schemas())-1]
	require.Equal(t, "hub", hub.Name)
	d := at(to)
	started := false
	d.Progress = func(string) {
		if !started {
			started = true
			require.NoError(t, db.Migrate(t.Context(), pgtest.Open(t, to, db.Options{Schema: hub.Name}), hub.Name, hub.Migrations))
		}
	}
	_, err := archive.Restore(t.Context(), d, bytes.NewReader(file))
	require.ErrorContains(t, err, "schema hub")
	require.Equal(t, []string{"hub"}, schemas(t, to), "all or nothing, and not over what is there")
}

func TestTwoRestoresAtOnce(t *testing.T) {
	file, _ := saved(t)
	to := pgtest.URL(t)
	d := at(to)
	var second error
	d.Progress = func(string) {
		if second == nil {
			_, second = archive.Restore(t.Context(), at(to), bytes.NewReader(file))
		}
	}
	_, err := archive.Restore(t.Context(), d, bytes.NewReader(file))
	require.NoError(t, err)
	require.ErrorContains(t, second, "another restore")
}

func TestDumpFileIsWholeOrAsItWas(t *testing.T) {
	from := filled(t)
	path := filepath.Join(t.TempDir(), "netraven.dump")
	require.NoError(t, os.WriteFile(path, []byte("yesterday's"), 0o644))

	ctx, cancel := context.WithCancel(t.Context())
	d := at(from)
	var inner error
	d.Progress = func(string) {
		_, inner = archive.DumpFile(t.Context(), at(from), path)
		cancel()
	}
	_, err := archive.DumpFile(ctx, d, path)
	require.Error(t, err)
	require.ErrorContains(t, inner, "another dump")
	left, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "yesterday's", string(left))
	require.NoFileExists(t, path+".partial")

	require.NoError(t, os.WriteFile(path+".partial", bytes.Repeat([]byte("x"), 64<<20), 0o644), "left by a killed dump")
	_, err = archive.DumpFile(t.Context(), at(from), path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	_, err = archive.Restore(t.Context(), at(pgtest.URL(t)), f)
	require.NoError(t, err)

	_, err = archive.DumpFile(t.Context(), at(from), t.TempDir())
	require.ErrorContains(t, err, "no file that a dump could replace")
}

type brokenPipe struct{ left int }

func (b *brokenPipe) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errors.New("broken pipe")
	}
	return len(p), nil
}

func TestWriterThatFailsEndsTheDump(t *testing.T) {
	from := filled(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := archive.Dump(ctx, at(from), &brokenPipe{left: 1000})
	require.ErrorContains(t, err, "broken pipe")
	require.NoError(t, ctx.Err())
}
