package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/db/archive"
	"github.com/netraven/netraven/internal/logx"
	"github.com/netraven/netraven/internal/pgembed"
	"github.com/netraven/netraven/internal/secret"
)

// database is what the db commands work on, as their flags, the environment and the configuration file say.
type database struct {
	config, data, pgBin, oldPGBin string

	cfg app.Config
	log *slog.Logger
	say func(line string)
}

// dbCommand moves the database in and out without PostgreSQL's own client programs.
func dbCommand() *cobra.Command {
	d := &database{}
	cmd := &cobra.Command{
		Use:   "db",
		Short: "Dump, restore and upgrade the database",
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return d.prepare(cmd.ErrOrStderr())
		},
	}
	f := cmd.PersistentFlags()
	f.StringVar(&d.config, "config", "", "configuration file (YAML)")
	f.StringVar(&d.data, "data", "", "data folder (default: that of serve)")
	f.StringVar(&d.pgBin, "pg-bin", "", "folder with postgres and initdb for the private PostgreSQL; for upgrade, those to move to")
	upgrade := &cobra.Command{
		Use:   "upgrade",
		Short: "Move the private PostgreSQL to another major version (stop serve first)",
		Long: "Move the private PostgreSQL to the newest major version on this machine, or to the one in --pg-bin. The server programs of both versions are\n" +
			"needed. The old database is used until the new one is complete and verified, and is kept afterwards.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.upgrade(cmd.Context(), cmd.OutOrStdout()) },
	}
	upgrade.Flags().StringVar(&d.oldPGBin, "old-pg-bin", "", "folder with the server programs of the database's present version (default: look for them)")
	cmd.AddCommand(&cobra.Command{
		Use:   "dump FILE|-",
		Short: "Write the whole database into one file, also while serve runs",
		Long: "Write the whole database into one file (- is standard output), as it is at one moment, also while serve runs. Secrets in it are sealed;\n" +
			"the keys that open them and the git history are not in it: see docs/backup.md.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.dump(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}, &cobra.Command{
		Use:   "restore FILE|-",
		Short: "Load a dump into an empty database",
		Long:  "Load a dump (- is standard input) into an empty database: a new data folder, or the new database of database.url. All of it is loaded, or nothing.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.restore(cmd.Context(), args[0], cmd.InOrStdin())
		},
	}, upgrade)
	return cmd
}

// prepare reads the configuration as serve does. Progress goes to standard error: standard output may be the dump.
func (d *database) prepare(progress io.Writer) error {
	d.say = func(line string) { fmt.Fprintln(progress, line) }
	cfg := app.Default()
	if d.config != "" {
		var err error
		if cfg, err = cfg.ReadFile(d.config); err != nil {
			return err
		}
	}
	cfg = cfg.ReadEnv(os.Getenv)
	if d.data != "" {
		cfg.Data = d.data
	}
	if d.pgBin != "" {
		cfg.PGBin = d.pgBin
	}
	var err error
	cfg.Data, err = filepath.Abs(cfg.Data)
	d.cfg, d.log = cfg, logx.New(progress, "warn", cfg.LogFormat)
	return err
}

func (d *database) archive(url secret.String) archive.Database {
	return archive.Database{URL: url, Schemas: app.Schemas(), NetRaven: version, Progress: d.say}
}

func (d *database) home() string { return filepath.Join(d.cfg.Data, "postgres") }

// open answers where the database is: the external one, the private one of a running serve, or the private one, which runs until close.
func (d *database) open(ctx context.Context) (url secret.String, closeIt func() error, err error) {
	nothing := func() error { return nil }
	if !d.cfg.DatabaseURL.Empty() {
		return d.cfg.DatabaseURL, nothing, nil
	}
	server, err := pgembed.Start(ctx, pgembed.Config{DataDir: d.home(), BinDir: d.cfg.PGBin, Logger: d.log})
	if taken, ok := errors.AsType[*pgembed.InUseError](err); ok {
		running, err := pgembed.Attach(d.home())
		if err != nil {
			return secret.String{}, nil, fmt.Errorf("%w (process %s is starting or stopping it: try again)", err, taken.Process)
		}
		return secret.NewString(running), nothing, nil
	}
	if err != nil {
		return secret.String{}, nil, err
	}
	return secret.NewString(server.URL()), func() error {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return server.Stop(stop)
	}, nil
}

func (d *database) dump(ctx context.Context, file string, out io.Writer) (err error) {
	if d.cfg.DatabaseURL.Empty() { // starting the private server would make a database where there is none
		major, err := pgembed.Major(d.home())
		if err != nil {
			return err
		}
		if major == 0 {
			return fmt.Errorf("there is no database in %s: name the data folder with --data", d.cfg.Data)
		}
	}
	url, closeIt, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeIt()) }()
	var m *archive.Manifest
	if file == "-" {
		m, err = archive.Dump(ctx, d.archive(url), out)
	} else {
		m, err = archive.DumpFile(ctx, d.archive(url), file)
	}
	if err != nil {
		return err
	}
	d.say(fmt.Sprintf("dumped %d rows of NetRaven %s from PostgreSQL %d", m.Rows(), m.NetRaven, m.Postgres))
	d.say(fmt.Sprintf("Secrets in the dump are sealed. The keys that open them (%s) and the history (%s) are not in it: back them up too.",
		filepath.Join(d.cfg.Data, "keys"), filepath.Join(d.cfg.Data, "gitstore")))
	return nil
}

func (d *database) restore(ctx context.Context, file string, in io.Reader) (err error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	if d.cfg.DatabaseURL.Empty() {
		// As serve makes it: the private PostgreSQL may run as another user and must pass through.
		if err := os.MkdirAll(d.cfg.Data, 0o711); err != nil {
			return err
		}
	}
	url, closeIt, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeIt()) }()
	m, err := archive.Restore(ctx, d.archive(url), in)
	if err != nil {
		return err
	}
	d.say(fmt.Sprintf("restored %d rows of NetRaven %s, dumped %s from PostgreSQL %d", m.Rows(), m.NetRaven, m.Created.Format(time.RFC3339), m.Postgres))
	d.say(fmt.Sprintf("Before serve starts, put the keys and the history of the same backup into %s and %s: a new key opens no secret of this database.",
		filepath.Join(d.cfg.Data, "keys"), filepath.Join(d.cfg.Data, "gitstore")))
	return nil
}

func (d *database) upgrade(ctx context.Context, out io.Writer) error {
	if !d.cfg.DatabaseURL.Empty() {
		return errors.New("database.url names a PostgreSQL that NetRaven does not run: upgrade it with its own means, or dump it and restore into a new one; " +
			"`netraven db upgrade` is for the private PostgreSQL")
	}
	done, err := pgembed.Upgrade(ctx, pgembed.UpgradeConfig{
		Config:    pgembed.Config{DataDir: d.home(), BinDir: d.cfg.PGBin, Logger: d.log},
		OldBinDir: d.oldPGBin,
		Save: func(ctx context.Context, url, file string) error {
			_, err := archive.DumpFile(ctx, d.archive(secret.NewString(url)), file)
			return err
		},
		Load: func(ctx context.Context, url, file string) error {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer func() { _ = f.Close() }()
			_, err = archive.Restore(ctx, d.archive(secret.NewString(url)), f)
			return err
		},
	})
	if _, ok := errors.AsType[*pgembed.InUseError](err); ok {
		return fmt.Errorf("%w: stop it first", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The database now belongs to PostgreSQL %d. The one of PostgreSQL %d is kept in %s: delete it when you are content.\n", done.To, done.From, done.Kept)
	return nil
}
