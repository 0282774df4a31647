package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/internal/logx"
	"github.com/netraven/netraven/services/gitstore"
)

// verifyCommand reads everything through.
func verifyCommand(place *historyPlace) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Read all of the history and its index through, and mend what can be mended (stop serve first)",
		Long: "Read every pack, commit and row of the index, as serve does slowly in the background, and compare them. Damaged packs are made good: from themselves,\n" +
			"from other packs, or from the mirror. What is wrong then is listed, and the command fails. See docs/backup.md.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := place.read()
			if err != nil {
				return err
			}
			line := newLine(cmd.ErrOrStderr())
			found, err := app.VerifyHistory(cmd.Context(), cfg, logx.New(cmd.ErrOrStderr(), "warn", cfg.LogFormat), line.part)
			line.end()
			if err != nil {
				return err
			}
			if err := place.print(cmd.OutOrStdout(), map[string]any{"findings": append([]gitstore.Finding{}, found...)}, func(w io.Writer) { listFindings(w, found) }); err != nil {
				return err
			}
			if len(found) > 0 {
				return fmt.Errorf("%d things are wrong with the history", len(found))
			}
			return nil
		},
	}
	place.addTo(cmd)
	cmd.Flags().StringVar(&place.mirror, "mirror", "", "the mirror, as --mirror of serve names it")
	return cmd
}

// reindexCommand makes the index anew.
func reindexCommand(place *historyPlace) *cobra.Command {
	var prune bool
	cmd := &cobra.Command{
		Use:   "reindex",
		Short: "Make the index of the history anew from git (stop serve first)",
		Long: "Read every commit and make the index of revisions what they say. Rows that the index has keep their ids and sealed originals, wrong ones are corrected, and\n" +
			"missing ones are made. Where the index has rows that git does not have, they are listed, nothing is changed and the command fails, unless --prune takes\n" +
			"them away, with their originals. It is one transaction: whatever happens, the index is as before or whole. See docs/backup.md.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := place.read()
			if err != nil {
				return err
			}
			line := newLine(cmd.ErrOrStderr())
			done, err := app.ReindexHistory(cmd.Context(), cfg, logx.New(cmd.ErrOrStderr(), "warn", cfg.LogFormat), prune,
				func(commits int64) { line.part("commits", int(commits), 0) })
			line.end()
			if err != nil {
				return err
			}
			if err := place.print(cmd.OutOrStdout(), done, func(w io.Writer) { tellReindexed(w, done) }); err != nil {
				return err
			}
			if !done.Written {
				return fmt.Errorf("%d rows of the index are not in git, so nothing was changed: put back the history that has them, or take them away with --prune", done.Foreign)
			}
			return nil
		},
	}
	place.addTo(cmd)
	cmd.Flags().BoolVar(&prune, "prune", false, "remove the rows that git does not have, with their originals")
	return cmd
}

func (h *historyPlace) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.pgBin, "pg-bin", "", "folder with postgres and initdb for the private PostgreSQL")
	cmd.Flags().StringVarP(&h.output, "output", "o", "table", "table or json")
}

// print writes an answer as the user wants it.
func (h *historyPlace) print(w io.Writer, answer any, table func(io.Writer)) error {
	if h.output != "json" {
		table(w)
		return nil
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(answer)
}

func listFindings(w io.Writer, found []gitstore.Finding) {
	if len(found) == 0 {
		fmt.Fprintln(w, "The history and its index are whole.")
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REPOSITORY\tPACK OR REVISION\tDEVICE\tARTIFACT\tCOMMIT\tWHAT")
	for _, f := range found {
		fmt.Fprintf(t, "%s\t%s%s\t%s\t%s\t%s\t%s\n", f.Repository, f.Pack, f.Revision, f.Device, f.Artifact, f.Commit, f.What)
	}
	_ = t.Flush()
}

func tellReindexed(w io.Writer, r *gitstore.Reindexed) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if r.Foreign > 0 {
		fmt.Fprintln(t, "NOT IN GIT\tDEVICE\tARTIFACT\tNUMBER\tRECORDED\tCOMMIT")
	}
	for _, f := range r.ForeignRows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\n", f.Revision, f.Device, f.Artifact, f.Number, f.CreatedAt.Local().Format("2006-01-02 15:04:05"), f.Commit)
	}
	_ = t.Flush()
	if !r.Written {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(r.Heads)) {
		fmt.Fprintf(w, "The index of the repository %s is that of commit %s.\n", name, r.Heads[name])
	}
	fmt.Fprintf(w, "%d commits, %d revisions. Of these %d were there, %d of them wrong; %d are new; %d newest states were corrected; %d rows are gone.\n",
		r.Commits, r.Revisions, r.Kept, r.Corrected, r.Made, r.Artifacts, r.Foreign)
}

// line says how far something is: on a terminal in one line, elsewhere when a part begins.
type line struct {
	w        io.Writer
	terminal bool
	last     string
}

func newLine(w io.Writer) *line {
	f, ok := w.(*os.File)
	return &line{w: w, terminal: ok && term.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"}
}

func (l *line) part(name string, done, total int) {
	switch of := fmt.Sprintf("%s %d", name, done); {
	case l.terminal && total > 0:
		const width = 30
		full := min(width*done/total, width)
		fmt.Fprintf(l.w, "\r\x1b[K%-10s [%s%s] %d/%d", name, strings.Repeat("=", full), strings.Repeat(" ", width-full), done, total)
	case l.terminal:
		fmt.Fprintf(l.w, "\r\x1b[K%s", of)
	case name != l.last:
		fmt.Fprintf(l.w, "reading %s ...\n", name)
	}
	l.last = name
}

// end leaves the screen in order.
func (l *line) end() {
	if l.terminal && l.last != "" {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}
