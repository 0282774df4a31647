package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/jobkind"
	"github.com/netraven/netraven/platforms"
	"github.com/netraven/netraven/recording"
)

// platformTools are the commands for people who write pages. They need no server.
func platformTools() []*cobra.Command {
	check := &cobra.Command{
		Use: "check FILE...", Short: "Check platform pages: every problem with its file, line and key",
		Args: cobra.MinimumNArgs(1),
		RunE: checkPages,
	}
	show := false
	test := &cobra.Command{
		Use: "test FILE|PLATFORM SESSION", Short: "Back up a recorded session with a page, and say what would be kept",
		Long: "Serve a recorded session (netraven platform record) over SSH on this machine, back it up with the page, and say what would be kept, what\n" +
			"the device told of itself, and whether a second backup is unchanged. Needs no server and keeps nothing.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return testPage(cmd, args[0], args[1], show) },
	}
	test.Flags().BoolVar(&show, "show", false, "print the main artifact as people would see it, secrets masked")
	return []*cobra.Command{check, test, recordCommand()}
}

// loadPage reads a page from a file, or a built-in one by name or alias.
func loadPage(name string) (*platforms.Page, error) {
	if p, ok := platforms.Builtin().Lookup(name); ok {
		return p, nil
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s is neither a file nor a built-in platform (netraven platform list shows those)", name)
	}
	if err != nil {
		return nil, err
	}
	p, problems := platforms.Parse(name, b)
	if len(problems) > 0 {
		return nil, fmt.Errorf("the page has problems:\n%s", joinProblems(problems))
	}
	return p, nil
}

func joinProblems(list []platforms.Problem) string {
	var lines []string
	for _, p := range list {
		lines = append(lines, "  "+p.Error())
	}
	return strings.Join(lines, "\n")
}

// pageReport is what check says of one file.
type pageReport struct {
	File     string   `json:"file"`
	Platform string   `json:"platform"`
	Problems []string `json:"problems"`
}

func checkPages(cmd *cobra.Command, files []string) error {
	bad := 0
	reports := []pageReport{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		r := pageReport{File: file, Problems: []string{}}
		p, problems := platforms.Parse(file, b)
		for _, x := range problems {
			r.Problems = append(r.Problems, x.Error())
		}
		if p != nil {
			r.Platform = p.Name
		} else {
			bad++
		}
		reports = append(reports, r)
	}
	if asJSON(cmd) {
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"items": reports}); err != nil {
			return err
		}
	} else {
		for _, r := range reports {
			if len(r.Problems) == 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: platform %s is in order\n", r.File, r.Platform)
			}
			for _, p := range r.Problems {
				fmt.Fprintln(cmd.OutOrStdout(), p)
			}
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d pages cannot be used", bad, len(files))
	}
	return nil
}

func testPage(cmd *cobra.Command, page, session string, show bool) error {
	p, err := loadPage(page)
	if err != nil {
		return err
	}
	s, err := recording.Load(session)
	if err != nil {
		return err
	}
	first, err := recording.Replay(cmd.Context(), s, recording.Way{}, recording.Target{Page: p})
	if err != nil {
		return err
	}
	unchanged := true
	if first.Failure == nil {
		second, err := recording.Replay(cmd.Context(), s, recording.Way{}, recording.Target{Page: p, Known: first.Artifacts})
		if err != nil {
			return err
		}
		unchanged = sameDigests(first.Artifacts, second.Artifacts)
	}
	return report(cmd, p, first, unchanged, show)
}

func sameDigests(a, b []jobkind.Artifact) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Digest != b[i].Digest {
			return false
		}
	}
	return true
}

// keptReport is what test says of one artifact.
type keptReport struct {
	Name    string `json:"name"`
	Bytes   int    `json:"bytes"`
	Kept    int    `json:"kept"`
	Secrets int    `json:"secrets"`
	Text    string `json:"text,omitempty"`
}

// report prints what a backup came to. A failed one is an error.
func report(cmd *cobra.Command, p *platforms.Page, out jobkind.Outcome, unchanged, show bool) error {
	w := cmd.OutOrStdout()
	if f := out.Failure; f != nil {
		text := fmt.Sprintf("%s at %s: %s", f.GetClass(), f.GetStage(), f.GetHint())
		if f.GetDeviceSaid() != "" {
			text += "\nThe device said last:\n" + f.GetDeviceSaid()
		}
		return errors.New(text)
	}
	var all []keptReport
	for _, a := range out.Artifacts {
		i := 0
		for j, x := range p.Backup {
			if x.Name == a.Name {
				i = j
			}
		}
		clean := p.Backup[i].Clean(a.Original)
		masked := string(p.Mask(clean, nil))
		k := keptReport{Name: a.Name, Bytes: len(a.Original), Kept: len(clean), Secrets: strings.Count(masked, "<secret") - strings.Count(string(clean), "<secret")}
		if show && a.Main {
			k.Text = masked
		}
		all = append(all, k)
	}
	if asJSON(cmd) {
		if err := json.NewEncoder(w).Encode(map[string]any{"platform": p.Name, "artifacts": all, "facts": out.Facts, "unchanged": unchanged}); err != nil {
			return err
		}
	} else {
		printKept(w, p, out.Facts, all)
	}
	if !unchanged {
		return errors.New("a second backup of the same session differs: drop or blur what changes at every read")
	}
	return nil
}

func printKept(w io.Writer, p *platforms.Page, facts map[string]string, all []keptReport) {
	for _, k := range all {
		fmt.Fprintf(w, "%-20s %7d bytes, %7d kept, %3d secrets masked\n", k.Name, k.Bytes, k.Kept, k.Secrets)
		if k.Text != "" {
			fmt.Fprintf(w, "\n%s\n", k.Text)
		}
	}
	for _, name := range []string{"hostname", "model", "version", "serial"} {
		fmt.Fprintf(w, "%-20s %s\n", name, cmp.Or(facts[name], "not found"))
	}
	if p.Main().Weak() {
		fmt.Fprintln(w, "Only a repeated prompt tells the end of the main artifact: give a stronger rule under complete, if the platform allows one.")
	}
}

func asJSON(cmd *cobra.Command) bool {
	f := cmd.Flag("output")
	return f != nil && f.Value.String() == "json"
}
