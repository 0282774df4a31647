package cli

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

// fileWidth is how wide both sides are together where there is no window, such as in a file.
const fileWidth = 160

// pair is one line of a side-by-side view. The mark between its sides is that of diff -y: | changed, < only before, > only after.
type pair struct {
	before, after string
	mark          byte
}

// printBesides prints a Diff in JSON with both sides beside each other, cut to the window.
func printBesides(cmd *cobra.Command, raw []byte) error {
	diff := &gitstorev1.Diff{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, diff); err != nil {
		return fmt.Errorf("the server's diff cannot be read: %w", err)
	}
	out := cmd.OutOrStdout()
	if len(diff.GetHunks()) == 0 {
		say(cmd, "No difference.")
		return nil
	}
	width := widthOf(out)
	if width == 0 {
		width = fileWidth
	}
	column := max(10, (width-3)/2)
	for _, h := range diff.GetHunks() {
		head := fmt.Sprintf("@@ -%d,%d +%d,%d @@", h.GetOldStart(), h.GetOldLines(), h.GetNewStart(), h.GetNewLines())
		if _, err := fmt.Fprintln(out, head); err != nil {
			return err
		}
		for _, p := range pairs(h.GetLines()) {
			if _, err := fmt.Fprintln(out, p.row(column, isTerminal(out))); err != nil {
				return err
			}
		}
	}
	return nil
}

// pairs sets what was removed in a row beside what was added after it.
func pairs(lines []*gitstorev1.Diff_Line) []pair {
	var out []pair
	var removed, added []string
	flush := func() {
		for i := range max(len(removed), len(added)) {
			switch {
			case i >= len(added):
				out = append(out, pair{before: removed[i], mark: '<'})
			case i >= len(removed):
				out = append(out, pair{after: added[i], mark: '>'})
			default:
				out = append(out, pair{before: removed[i], after: added[i], mark: '|'})
			}
		}
		removed, added = nil, nil
	}
	for _, l := range lines {
		switch l.GetSide() {
		case gitstorev1.Diff_Line_OLD:
			removed = append(removed, l.GetText())
		case gitstorev1.Diff_Line_NEW:
			added = append(added, l.GetText())
		default:
			flush()
			out = append(out, pair{before: l.GetText(), after: l.GetText(), mark: ' '})
		}
	}
	flush()
	return out
}

// row is a line of the view, each side so many cells wide.
func (p pair) row(column int, colour bool) string {
	before, after := fit(p.before, column), strings.TrimRight(fit(p.after, column), " ")
	if colour && p.mark != ' ' {
		before = lipgloss.NewStyle().Foreground(lipgloss.Red).Render(before)
		after = lipgloss.NewStyle().Foreground(lipgloss.Green).Render(after)
	}
	return strings.TrimRight(before+" "+string(p.mark)+" "+after, " ")
}

// fit makes a device's text so many cells wide.
func fit(text string, cells int) string {
	text = safe(strings.ReplaceAll(text, "\t", "    "))
	text = lipgloss.NewStyle().MaxWidth(cells).Inline(true).Render(text)
	return text + strings.Repeat(" ", max(0, cells-lipgloss.Width(text)))
}
