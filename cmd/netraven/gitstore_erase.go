package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/internal/logx"
	"github.com/netraven/netraven/services/gitstore"
)

// eraseCommand makes the history again without some text.
func eraseCommand(place *historyPlace) *cobra.Command {
	var what gitstore.EraseConfig
	var textFile string
	cmd := &cobra.Command{
		Use:   "erase (--text-file FILE|- | --revision ID... | --device NAME --all) [--device NAME]...",
		Short: "Remove masked text from the history for good, by rewriting it (stop serve first)",
		Long: "Remove from the history what no masking rule knew of. Each line of the text file is looked for as it stands, in the masked texts, messages and authors\n" +
			"of the devices (none named: of all), and " + "<erased>" + " is written instead; with --revision whole revisions are blanked, with --all nothing is left of the\n" +
			"devices. Commits from the first one on get other names: clones and remotes must be made anew. Look first: --dry-run. Add a masking rule before, or the\n" +
			"next backup brings the text back. It may be killed and run again. See docs/erase.md for what is out of its reach.",
		Example: "  netraven gitstore erase --text-file secrets --dry-run\n  netraven gitstore erase --text-file secrets --device hq/core1\n  netraven gitstore erase --device core1 --all",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := place.read()
			if err != nil {
				return err
			}
			if textFile != "" {
				if what.Texts, err = eraseLines(cmd.InOrStdin(), textFile); err != nil {
					return err
				}
			}
			what.Progress = eraseProgress(cmd.ErrOrStderr())
			done, err := app.EraseHistory(cmd.Context(), cfg, what, logx.New(cmd.ErrOrStderr(), "warn", cfg.LogFormat))
			if err != nil {
				return err
			}
			return showErased(cmd.OutOrStdout(), done, place.output == "json")
		},
	}
	place.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&textFile, "text-file", "", "file with the texts to erase, one a line (- is standard input); they are never arguments")
	f.StringSliceVar(&what.Revisions, "revision", nil, "revision to blank, by its id")
	f.StringSliceVar(&what.Devices, "device", nil, "only this device: name, SITE/NAME or id (default: all)")
	f.BoolVar(&what.Whole, "all", false, "all that there is of the devices")
	f.BoolVar(&what.DryRun, "dry-run", false, "only count")
	return cmd
}

// eraseLines reads one text a line, as it stands but for the line's end.
func eraseLines(in io.Reader, file string) ([]string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	var out []string
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if t := strings.TrimSuffix(lines.Text(), "\r"); t != "" {
			out = append(out, t)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, errors.New("the file of texts is empty")
	}
	return out, nil
}

// eraseProgress says now and then how far it is.
func eraseProgress(w io.Writer) func(stage string, done, total int) {
	said := ""
	return func(stage string, done, total int) {
		line := stage
		switch {
		case total > 0:
			line = fmt.Sprintf("%s: %d %% of %d commits", stage, done*100/total, total)
		case done > 0:
			line = fmt.Sprintf("%s: %d commits", stage, done)
		}
		if line != said {
			fmt.Fprintln(w, line)
		}
		said = line
	}
}

func showErased(w io.Writer, e *gitstore.Erased, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(e)
	}
	verb := "Erased"
	if e.DryRun {
		verb = "Found, and nothing is changed yet"
	}
	fmt.Fprintf(w, "%s: %d texts in %d of %d commits, %d texts kept apart.\n", verb, e.Texts, e.Affected, e.Commits, e.Suspects)
	if e.Rewritten > 0 {
		fmt.Fprintf(w, "%d commits have other names now. Clones and remotes still have the old ones: make them anew.\n", e.Rewritten)
		for _, r := range e.Repositories {
			fmt.Fprintf(w, "  %s is at %s instead of %s\n", r.Name, r.NewHead, r.OldHead)
		}
	}
	if len(e.Newest) > 0 {
		fmt.Fprintf(w, "The newest text holds it, so the next backup brings it back unless a rule of the platform's page masks it by then:\n  %s\n", strings.Join(e.Newest, "\n  "))
	}
	return nil
}
