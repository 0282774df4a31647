package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

func (a *app) configDiffCommand() *cobra.Command {
	var artifact string
	var from, to int32
	var view diffView
	c := &cobra.Command{
		Use: "diff DEVICE|REVISION [DEVICE|REVISION]", Short: "Show what changed, as a unified diff",
		Long: "Show what changed between two revisions of a device (its last change, unless --from and --to number others), between two revisions by id,\n" +
			"or between the newest configurations of two devices. One revision by id is compared with the one before it, a suspect with the current one.",
		Example: "  netraven config diff core1\n  netraven config diff core1 --from 3 --to 7\n  netraven config diff core1 core2 --side-by-side\n" +
			"  netraven config diff 0199c0de-7f2a-7c41-9d6e-2b1f0c5a8e34",
		ValidArgsFunction: a.complete(-1, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			var older, newer *gitstorev1.Revision
			var err error
			if len(args) == 2 {
				if from != 0 || to != 0 {
					return usageError(cmd, "--from and --to number the revisions of one device")
				}
				if older, err = c.revisionOf(cmd.Context(), args[0], artifact, 0); err == nil {
					newer, err = c.revisionOf(cmd.Context(), args[1], artifact, 0)
				}
			} else {
				older, newer, err = c.twoOf(cmd.Context(), args[0], artifact, from, to)
			}
			if err != nil {
				return err
			}
			return a.printDiff(cmd, c, older, newer, view)
		}),
	}
	c.Flags().Int32VarP(&view.context, "context", "U", 3, "lines to show around each change")
	c.Flags().BoolVarP(&view.besides, "side-by-side", "y", false, "both sides beside each other")
	c.Flags().StringVar(&artifact, "artifact", "", "which artifact of the device (default: its configuration)")
	c.Flags().Int32Var(&from, "from", 0, "number of the older revision (default: the one before --to)")
	c.Flags().Int32Var(&to, "to", 0, "number of the newer revision (default: the newest)")
	return c
}

// twoOf finds the two revisions of a device that are to be compared, or a revision and the one before it.
func (c *client) twoOf(ctx context.Context, device, artifact string, from, to int32) (older, newer *gitstorev1.Revision, err error) {
	if isID(device) {
		r := &gitstorev1.Revision{}
		_, err := c.get(ctx, revisionPath(device), nil, r)
		if err == nil {
			return c.before(ctx, r)
		}
		if !hasReason(err, "REVISION_NOT_FOUND") {
			return nil, nil, err
		}
	}
	id, err := c.deviceID(ctx, device)
	if err != nil {
		return nil, nil, err
	}
	limit := 0
	if from == 0 && to == 0 {
		limit = 2
	}
	all, err := c.artifactRevisions(ctx, id, device, artifact, limit)
	if err != nil {
		return nil, nil, err
	}
	newer = all[0]
	if to != 0 {
		if newer, err = byNumber(all, to); err != nil {
			return nil, nil, err
		}
	}
	if from == 0 {
		older, err = previous(all, newer)
	} else {
		older, err = byNumber(all, from)
	}
	return older, newer, err
}

// before finds what a revision is compared with when nothing else is said: the one before it, and for a suspect the current one.
func (c *client) before(ctx context.Context, r *gitstorev1.Revision) (older, newer *gitstorev1.Revision, err error) {
	limit := 0
	if r.Suspect {
		limit = 1
	}
	all, err := c.artifactRevisions(ctx, r.DeviceId, r.DeviceId, r.Artifact, limit)
	if err != nil {
		return nil, nil, err
	}
	if r.Suspect {
		return all[0], r, nil
	}
	older, err = previous(all, r)
	return older, r, err
}

func previous(all []*gitstorev1.Revision, r *gitstorev1.Revision) (*gitstorev1.Revision, error) {
	if r.Number <= 1 {
		return nil, fmt.Errorf("revision %d of %s is the first, so there is nothing to compare it with", r.Number, safe(r.Artifact))
	}
	return byNumber(all, r.Number-1)
}

// diffView is how a diff is shown.
type diffView struct {
	context int32
	besides bool
}

func (a *app) printDiff(cmd *cobra.Command, c *client, older, newer *gitstorev1.Revision, view diffView) error {
	query := url.Values{"from": {older.Id}, "to": {newer.Id}, "format": {"text"}, "context": {number(view.context)}}
	if a.json() || view.besides {
		query.Set("format", "json")
	}
	text, err := c.bytes(cmd.Context(), request{method: http.MethodGet, path: "/api/v1/diff", query: query, accept: "*/*"})
	switch {
	case err != nil:
		return err
	case a.json():
		return writeJSON(cmd.OutOrStdout(), text)
	case view.besides:
		return printBesides(cmd, text)
	case len(text) == 0:
		say(cmd, "No difference.")
		return nil
	case isTerminal(cmd.OutOrStdout()):
		_, err = fmt.Fprint(cmd.OutOrStdout(), coloured(safeLines(string(text))))
		return err
	}
	return printText(cmd, text)
}

// coloured marks what was added and removed.
func coloured(diff string) string {
	added, removed := lipgloss.NewStyle().Foreground(lipgloss.Green), lipgloss.NewStyle().Foreground(lipgloss.Red)
	where := lipgloss.NewStyle().Foreground(lipgloss.Cyan)
	var b strings.Builder
	for line := range strings.Lines(diff) {
		text := strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(text, "+++"), strings.HasPrefix(text, "---"):
		case strings.HasPrefix(text, "+"):
			text = added.Render(text)
		case strings.HasPrefix(text, "-"):
			text = removed.Render(text)
		case strings.HasPrefix(text, "@@"):
			text = where.Render(text)
		}
		b.WriteString(text + "\n")
	}
	return b.String()
}
