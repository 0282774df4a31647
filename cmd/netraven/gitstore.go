package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/app"
)

// gitstoreCommand works on the history without a server.
func gitstoreCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "gitstore", Short: "Verify, reindex or restore the history, or remove text from it for good, without a server"}
	var place historyPlace
	var from, publicKey string
	var withoutLost bool
	restore := &cobra.Command{
		Use:   "restore --from DIR|s3://BUCKET/PREFIX?endpoint=URL&region=NAME",
		Short: "Rebuild the history from a mirror (stop serve first)",
		Long: "Rebuild the history in the data folder from a mirror. Every object is checked against the signed manifest, and all of it by git; what is missing or\n" +
			"damaged is named, and nothing is left in place then. The next serve indexes the revisions and takes in their sealed originals. See docs/backup.md.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := place.read()
			if err != nil {
				return err
			}
			done, err := app.RestoreHistory(cmd.Context(), cfg, from, publicKey, withoutLost)
			if err != nil {
				return err
			}
			originals := int64(0)
			for _, s := range done.Originals {
				originals += s.Records
			}
			lost := int64(0)
			for _, s := range done.Lost {
				lost += s.Records
				fmt.Fprintf(cmd.ErrOrStderr(), "%s is lost, with %d originals.\n", s.Name, s.Records)
			}
			for i, r := range done.Repositories {
				fmt.Fprintf(cmd.OutOrStdout(), "Restored %s: commit %s, %d packs.\n", done.Folders[i], r.Head, len(r.Packs))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The mirror is of %s and has %d originals. The next serve indexes them.\n", done.MadeAt.Local().Format("2006-01-02 15:04:05"), originals-lost)
			return nil
		},
	}
	all := cmd.PersistentFlags()
	all.StringVar(&place.config, "config", "", "configuration file (YAML)")
	all.StringVar(&place.data, "data", "", "data folder (default: that of serve)")
	f := restore.Flags()
	f.StringVar(&from, "from", "", "the mirror, as --mirror of serve names it")
	f.StringVar(&publicKey, "public-key", "", "public key that the mirror is signed with (default: that of keys/gitstore.key in the data folder)")
	f.BoolVar(&withoutLost, "without-lost-originals", false, "go on where originals are missing or damaged in the mirror; the masked history must be whole all the same")
	_ = restore.MarkFlagRequired("from")
	cmd.AddCommand(restore, verifyCommand(&place), reindexCommand(&place), eraseCommand(&place))
	return cmd
}

// historyPlace is where the commands find it.
type historyPlace struct{ config, data, pgBin, mirror, output string }

// read reads the configuration as serve does.
func (h *historyPlace) read() (app.Config, error) {
	cfg := app.Default()
	if h.output != "" && h.output != "table" && h.output != "json" {
		return cfg, fmt.Errorf("--output is table or json, not %q", h.output)
	}
	var err error
	if h.config != "" {
		if cfg, err = cfg.ReadFile(h.config); err != nil {
			return cfg, err
		}
	}
	cfg = cfg.ReadEnv(os.Getenv)
	for to, from := range map[*string]string{&cfg.Data: h.data, &cfg.PGBin: h.pgBin, &cfg.Mirror: h.mirror} {
		if from != "" {
			*to = from
		}
	}
	cfg.Data, err = filepath.Abs(cfg.Data)
	return cfg, err
}
