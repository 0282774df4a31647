package pgembed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// UpgradeConfig says how a cluster moves to another major version.
type UpgradeConfig struct {
	Config           // BinDir: the programs to move to; empty: the newest on the machine
	OldBinDir string // the programs of the cluster's present version; empty: look for them

	// Save writes all that the database at url holds into a file; Load puts it into the empty database at url and makes sure that all of it is
	// there. Only one of the two servers runs at a time. The file lies in a folder that is removed afterwards.
	Save, Load func(ctx context.Context, url, file string) error
}

// Upgraded is what an upgrade did.
type Upgraded struct {
	From, To int    // major versions
	Kept     string // folder of the old cluster
}

// Upgrade moves the cluster to another major version. It blocks as long as saving and loading take and may be repeated after any failure or kill:
// until everything is loaded, verified and on disk, the old cluster is the one in use, and afterwards it is kept. Errors are sentences for
// an operator: *InUseError while NetRaven runs, *NotFoundError where programs are missing.
func Upgrade(ctx context.Context, cfg UpgradeConfig) (Upgraded, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if _, err := os.Stat(cfg.DataDir); err != nil {
		return Upgraded{}, fmt.Errorf("there is no database to upgrade: %w", err)
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
	return c.upgrade(ctx, cfg)
}

func (c cluster) upgrade(ctx context.Context, cfg UpgradeConfig) (Upgraded, error) {
	if err := c.settleUpgrade(ctx); err != nil {
		return Upgraded{}, err
	}
	major, err := c.major()
	if err != nil {
		return Upgraded{}, err
	}
	if major == 0 {
		return Upgraded{}, fmt.Errorf("there is no database to upgrade in %s", c.home)
	}
	from, to, err := c.choose(ctx, cfg, major)
	if err != nil {
		return Upgraded{}, err
	}
	up, err := c.move(ctx, cfg, from, to)
	if err != nil {
		err = errors.Join(err, c.settleUpgrade(context.WithoutCancel(ctx)))
	}
	return up, err
}

// choose finds the programs of both versions.
func (c cluster) choose(ctx context.Context, cfg UpgradeConfig, major int) (from, to Binaries, err error) {
	here, err := every(ctx, c.as, cfg.BinDir, cfg.BundleDirs)
	if err != nil {
		return from, to, err
	}
	if len(here) == 0 {
		return from, to, &NotFoundError{PgBin: cfg.BinDir}
	}
	if to = here[0]; to.Major == major {
		return from, to, fmt.Errorf("the database in %s belongs to PostgreSQL %d, and that is the newest on this machine (%s): to upgrade, install the server programs of a newer PostgreSQL, "+
			"or name their folder with --pg-bin; the old ones must stay until the upgrade is done", c.home, major, to.Dir)
	}
	if to.Major < major && cfg.BinDir == "" {
		return from, to, fmt.Errorf("the database in %s belongs to PostgreSQL %d, which is newer than all on this machine (PostgreSQL %d in %s): install the server programs of PostgreSQL %d; "+
			"to move back to the older version, name its folder with --pg-bin as well", c.home, major, to.Major, to.Dir, major)
	}
	if from, err = find(ctx, c.as, cfg.OldBinDir, cfg.BundleDirs, major); err != nil {
		if _, ok := errors.AsType[*NotFoundError](err); ok {
			return from, to, fmt.Errorf("the database in %s belongs to PostgreSQL %d, and only a server of that version can read it, but its programs are not on this machine (PostgreSQL %d is, in %s): "+
				"install the server programs of PostgreSQL %d beside it for the time of the upgrade, or name their folder with --old-pg-bin", c.home, major, to.Major, to.Dir, major)
		}
		return from, to, err
	}
	return from, to, nil
}

// move does the work under the lock, on a settled folder.
func (c cluster) move(ctx context.Context, cfg UpgradeConfig, from, to Binaries) (Upgraded, error) {
	next := c
	next.dir = c.upgrading()
	if err := c.checkReach(ctx, to); err != nil {
		return Upgraded{}, err
	}
	if err := c.endStale(ctx); err != nil {
		return Upgraded{}, err
	}
	if err := c.as.ownAll(c.dir); err != nil {
		return Upgraded{}, fmt.Errorf("give the database to user %s: %w", c.as.name, err)
	}
	if err := os.Mkdir(c.transfer(), 0o700); err != nil {
		return Upgraded{}, fmt.Errorf("make a folder for the data on its way: %w", err)
	}
	c.log.Info("upgrade: saving", "data", c.home, "version", from.Major, "programs", from.Dir)
	if err := c.during(ctx, cfg, from, cfg.Save); err != nil {
		return Upgraded{}, fmt.Errorf("save the database of PostgreSQL %d: %w", from.Major, err)
	}
	c.log.Info("upgrade: loading", "data", c.home, "version", to.Major, "programs", to.Dir)
	if err := next.initialise(ctx, to, cfg.Volatile); err != nil {
		return Upgraded{}, err
	}
	if err := next.during(ctx, cfg, to, cfg.Load); err != nil {
		return Upgraded{}, fmt.Errorf("load into PostgreSQL %d (the database of PostgreSQL %d is as it was): %w", to.Major, from.Major, err)
	}
	kept, err := c.swap(from.Major)
	if err != nil {
		return Upgraded{}, err
	}
	return Upgraded{From: from.Major, To: to.Major, Kept: kept}, os.RemoveAll(c.transfer())
}

// during runs a server on the cluster while do works; then it stops the server, cleanly or with an error.
func (c cluster) during(ctx context.Context, cfg UpgradeConfig, bin Binaries, do func(ctx context.Context, url, file string) error) error {
	s := &Server{cluster: c, bin: bin}
	if err := s.serve(ctx, cfg.Config); err != nil {
		return err
	}
	err := do(ctx, s.URL(), filepath.Join(c.transfer(), "database"))
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute) // it writes out all that was loaded
	defer cancel()
	return errors.Join(err, s.Stop(stopCtx))
}

func (c cluster) upgrading() string { return filepath.Join(c.home, "upgrading") }

func (c cluster) upgraded() string { return filepath.Join(c.home, "upgraded") }

func (c cluster) transfer() string { return filepath.Join(c.home, "transfer") }

// swap puts the filled cluster in the place of the old one. The first rename decides: see settleUpgrade.
func (c cluster) swap(oldMajor int) (kept string, err error) {
	if kept, err = c.keptName(oldMajor); err != nil {
		return "", err
	}
	for _, step := range [][2]string{{c.upgrading(), c.upgraded()}, {c.dir, kept}, {c.upgraded(), c.dir}} {
		if err := os.Rename(step[0], step[1]); err != nil {
			return "", fmt.Errorf("put the upgraded database in place: %w", err)
		}
		if err := syncDir(c.home); err != nil {
			return "", err
		}
	}
	return kept, nil
}

// keptName is a name for the old cluster that nothing has yet.
func (c cluster) keptName(major int) (string, error) {
	for n := 1; n < 1000; n++ {
		name := fmt.Sprintf("%s.old-%d", c.dir, major)
		if n > 1 {
			name += fmt.Sprintf("-%d", n)
		}
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s holds too many old clusters: delete those that are not needed any more", c.home)
}

// settleUpgrade ends what a killed upgrade left: it goes on after the old cluster has been set aside, and is forgotten before that. Forgetting removes
// copies that nobody has worked on; the old cluster, which is then still cluster/, is not touched.
func (c cluster) settleUpgrade(ctx context.Context) error {
	if _, err := os.Stat(c.upgraded()); err == nil {
		if _, err := os.Stat(c.dir); errors.Is(err, fs.ErrNotExist) {
			c.log.Info("finishing the upgrade that an earlier NetRaven began", "data", c.home)
			if err := os.Rename(c.upgraded(), c.dir); err != nil {
				return fmt.Errorf("put the upgraded database in place: %w", err)
			}
			if err := syncDir(c.home); err != nil {
				return err
			}
		}
	}
	next := c
	next.dir = c.upgrading()
	if err := next.endStale(ctx); err != nil {
		return err
	}
	for _, dir := range []string{c.upgrading(), c.upgraded(), c.transfer()} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove an unfinished upgrade: %w", err)
		}
	}
	return nil
}

// Major is the PostgreSQL major version of the cluster in dataDir, 0 if there is none. A killed upgrade's last step counts as done.
func Major(dataDir string) (int, error) {
	home, err := filepath.Abs(dataDir)
	if err != nil {
		return 0, err
	}
	c := cluster{home: home, dir: filepath.Join(home, "cluster")}
	if _, err := os.Stat(c.dir); errors.Is(err, fs.ErrNotExist) {
		c.dir = c.upgraded()
	}
	major, err := c.major()
	if err != nil && errors.Is(err, fs.ErrPermission) {
		return 0, fmt.Errorf("only root and the database's own user may look into %s: %w", home, err)
	}
	return major, err
}
