package pgembed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// versions are the oldest and the newest server programs of this machine and of NETRAVEN_PG_BIN and NETRAVEN_PG_BIN2.
func versions(t *testing.T) (from, to Binaries) {
	t.Helper()
	var all []Binaries
	for _, dir := range []string{"", os.Getenv("NETRAVEN_PG_BIN"), os.Getenv("NETRAVEN_PG_BIN2")} {
		as, err := chooseAccount("")
		require.NoError(t, err)
		found, err := every(t.Context(), as, dir, nil)
		require.NoError(t, err)
		all = append(all, found...)
	}
	require.NotEmpty(t, all)
	from, to = all[0], all[0]
	for _, b := range all {
		if b.Major < from.Major {
			from = b
		}
		if b.Major > to.Major {
			to = b
		}
	}
	if from.Major == to.Major {
		t.Logf("Only PostgreSQL %d is on this machine (NETRAVEN_PG_BIN2 may name the programs of another): the upgrade is tested between two clusters of this one version.", to.Major)
	}
	return from, to
}

func saveNotes(ctx context.Context, url, file string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	var note string
	err = conn.QueryRow(ctx, "SELECT text FROM note").Scan(&note)
	return errors.Join(err, os.WriteFile(file, []byte(note), 0o600), conn.Close(ctx))
}

func loadNotes(ctx context.Context, url, file string) error {
	note, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TABLE note AS SELECT '"+string(note)+"'::text AS text")
	return errors.Join(err, conn.Close(ctx))
}

// upgradable is a folder with a database of from's version, and the way to to's.
func upgradable(t *testing.T, from, to Binaries) UpgradeConfig {
	t.Helper()
	cfg := config(folder(t))
	cfg.Volatile = true // no test here takes the power away
	cfg.BinDir = from.Dir
	s := start(t, cfg)
	write(t, s.URL(), "CREATE TABLE note AS SELECT 'kept'::text AS text")
	require.NoError(t, s.Stop(deadline(t)))
	cfg.BinDir = to.Dir
	return UpgradeConfig{Config: cfg, OldBinDir: from.Dir, Save: saveNotes, Load: loadNotes}
}

func write(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

// runUpgrade is Upgrade, also between two clusters of one version, which Upgrade refuses.
func runUpgrade(ctx context.Context, cfg UpgradeConfig, from, to Binaries) (Upgraded, error) {
	if from.Major != to.Major {
		return Upgrade(ctx, cfg)
	}
	c, err := openHome(cfg.DataDir, cfg.Logger)
	if err != nil {
		return Upgraded{}, err
	}
	lock, err := c.lock()
	if err != nil {
		return Upgraded{}, err
	}
	defer func() { _ = lock.Close() }()
	if err := c.settleUpgrade(ctx); err != nil {
		return Upgraded{}, err
	}
	up, err := c.move(ctx, cfg, from, to)
	return up, errors.Join(err, c.settleUpgrade(context.WithoutCancel(ctx)))
}

// note starts a server on what is in the folder now, and reads.
func note(t *testing.T, cfg UpgradeConfig, bin Binaries) {
	t.Helper()
	cfg.BinDir = bin.Dir
	s, err := Start(deadline(t), cfg.Config)
	require.NoError(t, err)
	require.Equal(t, "kept", ask(t, s.URL(), "SELECT text FROM note"))
	require.NoError(t, s.Stop(deadline(t)))
	left, err := os.ReadDir(cfg.DataDir)
	require.NoError(t, err)
	for _, entry := range left {
		require.NotContains(t, []string{"upgrading", "upgraded", "transfer", "initializing", "initdb-password"}, entry.Name())
	}
}

func TestUpgradeMovesAndKeeps(t *testing.T) {
	from, to := versions(t)
	cfg := upgradable(t, from, to)
	up, err := runUpgrade(deadline(t), cfg, from, to)
	require.NoError(t, err)
	require.Equal(t, Upgraded{From: from.Major, To: to.Major, Kept: filepath.Join(realPath(t, cfg.DataDir), fmt.Sprintf("cluster.old-%d", from.Major))}, up)
	major, err := Major(cfg.DataDir)
	require.NoError(t, err)
	require.Equal(t, to.Major, major)
	note(t, cfg, to)

	// The way back, as docs/backup.md tells it.
	require.NoError(t, os.Rename(filepath.Join(cfg.DataDir, "cluster"), filepath.Join(cfg.DataDir, "cluster.new")))
	require.NoError(t, os.Rename(up.Kept, filepath.Join(cfg.DataDir, "cluster")))
	note(t, cfg, from)
}

func realPath(t *testing.T, path string) string {
	t.Helper()
	real, err := filepath.EvalSymlinks(path)
	require.NoError(t, err)
	return real
}

func TestFailedUpgradeChangesNothing(t *testing.T) {
	from, to := versions(t)
	cfg := upgradable(t, from, to)
	fails := func(context.Context, string, string) error { return errors.New("as asked") }
	for _, broken := range []UpgradeConfig{{Config: cfg.Config, OldBinDir: cfg.OldBinDir, Save: fails, Load: loadNotes}, {Config: cfg.Config, OldBinDir: cfg.OldBinDir, Save: saveNotes, Load: fails}} {
		_, err := runUpgrade(deadline(t), broken, from, to)
		require.ErrorContains(t, err, "as asked")
		note(t, cfg, from)
	}
	_, err := runUpgrade(deadline(t), cfg, from, to)
	require.NoError(t, err, "and may be repeated")
	note(t, cfg, to)
}

const upgradeEnv = "NETRAVEN_TEST_PGEMBED_UPGRADE"

// TestPlayUpgrade is the process that TestKilledUpgradeLeavesTheOldOne kills.
func TestPlayUpgrade(t *testing.T) {
	dir, at, ok := strings.Cut(os.Getenv(upgradeEnv), "@")
	if !ok {
		return
	}
	from, to := versions(t)
	hang := func(what string, do func(context.Context, string, string) error) func(context.Context, string, string) error {
		return func(ctx context.Context, url, file string) error {
			err := do(ctx, url, file)
			if at == what {
				fmt.Println("hangs", err)
				select {}
			}
			return err
		}
	}
	cfg := config(dir)
	cfg.Volatile = true
	cfg.BinDir = to.Dir
	_, err := runUpgrade(context.Background(), UpgradeConfig{Config: cfg, OldBinDir: from.Dir, Save: hang("save", saveNotes), Load: hang("load", loadNotes)}, from, to)
	t.Fatal(err)
}

func TestKilledUpgradeLeavesTheOldOne(t *testing.T) {
	from, to := versions(t)
	cfg := upgradable(t, from, to)
	for _, at := range []string{"save", "load"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPlayUpgrade$", "-test.v")
		cmd.Env = append(os.Environ(), upgradeEnv+"="+filepath.Dir(cfg.DataDir)+"@"+at)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		hung := false
		for lines := bufio.NewScanner(out); !hung && lines.Scan(); {
			hung = strings.HasPrefix(lines.Text(), "hangs")
			require.False(t, hung && lines.Text() != "hangs <nil>", lines.Text())
		}
		kill9(t, cmd)
		require.True(t, hung, at)
		note(t, cfg, from) // at once: the killed one's server may still be ending
	}
	_, err := runUpgrade(deadline(t), cfg, from, to)
	require.NoError(t, err)
	note(t, cfg, to)
}

// Between each two renames of the swap.
func TestUpgradeKilledInTheSwap(t *testing.T) {
	from, to := versions(t)
	cfg := upgradable(t, from, to)
	home := func(name string) string { return filepath.Join(cfg.DataDir, name) }
	_, err := runUpgrade(deadline(t), cfg, from, to)
	require.NoError(t, err)
	kept := home(fmt.Sprintf("cluster.old-%d", from.Major))

	// The old one is set aside, the new one not yet in its place.
	require.NoError(t, os.Rename(home("cluster"), home("upgraded")))
	require.NoError(t, os.Mkdir(home("transfer"), 0o700))
	major, err := Major(cfg.DataDir)
	require.NoError(t, err)
	require.Equal(t, to.Major, major)
	note(t, cfg, to)

	// The new one is complete, the old one still in its place: that one is used, and the other forgotten, because it would fall behind.
	require.NoError(t, os.Rename(home("cluster"), home("upgraded")))
	require.NoError(t, os.Rename(kept, home("cluster")))
	note(t, cfg, from)
	_, err = runUpgrade(deadline(t), cfg, from, to)
	require.NoError(t, err)
	note(t, cfg, to)
}

func TestUpgradeRefuses(t *testing.T) {
	from, to := versions(t)
	cfg := upgradable(t, from, to)

	same := cfg
	same.BinDir = from.Dir
	_, err := Upgrade(deadline(t), same)
	require.ErrorContains(t, err, fmt.Sprintf("belongs to PostgreSQL %d, and that is the newest on this machine", from.Major))

	running := cfg
	running.BinDir = from.Dir
	s := start(t, running.Config)
	_, err = Upgrade(deadline(t), cfg)
	var taken *InUseError
	require.ErrorAs(t, err, &taken)
	url, err := Attach(cfg.DataDir)
	require.NoError(t, err)
	require.Equal(t, s.URL(), url)
	require.NoError(t, s.Stop(deadline(t)))
	_, err = Attach(cfg.DataDir)
	require.ErrorContains(t, err, "takes no connections")

	if from.Major != to.Major {
		lone := cfg
		lone.OldBinDir = to.Dir
		_, err = Upgrade(deadline(t), lone)
		require.ErrorContains(t, err, fmt.Sprintf("install the server programs of PostgreSQL %d beside it", from.Major))
	}

	none := cfg
	none.DataDir = filepath.Join(folder(t), "postgres")
	_, err = Upgrade(deadline(t), none)
	require.ErrorContains(t, err, "no database to upgrade")
	require.NoDirExists(t, none.DataDir)
	note(t, cfg, from)
}
