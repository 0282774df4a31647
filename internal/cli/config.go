package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

func (a *app) configCommand() *cobra.Command {
	return group("config", "Configurations: what was collected, when it changed, and how",
		a.configListCommand(), a.configShowCommand(), a.configDiffCommand(), a.configBlameCommand(), a.configSuspectsCommand(), a.configAcceptCommand(),
		a.configCoverageCommand(), a.configSearchCommand())
}

func revisionPath(id string, more ...string) string {
	return "/api/v1/revisions/" + url.PathEscape(id) + strings.Join(more, "")
}

// revisions answers those of a device in one state, newest first; of both states where none is given.
func (c *client) revisions(ctx context.Context, deviceID, artifact string, state gitstorev1.Revision_State, limit int) (rows[*gitstorev1.Revision], error) {
	query := url.Values{}
	if state != gitstorev1.Revision_UNSPECIFIED {
		query.Set("state", state.String())
	}
	if artifact != "" {
		query.Set("artifact", artifact)
	}
	return list[gitstorev1.Revision](ctx, c, deviceNoun.of(deviceID, "/revisions"), query, limit)
}

func (a *app) configListCommand() *cobra.Command {
	var artifact string
	var limit int
	c := &cobra.Command{
		Use: "list DEVICE", Short: "List a device's revisions, newest first", ValidArgsFunction: a.complete(0, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.deviceID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			all, err := c.revisions(cmd.Context(), id, artifact, gitstorev1.Revision_UNSPECIFIED, limit)
			if err != nil {
				return err
			}
			t := newTable("ARTIFACT", "NUMBER", "LINES", "SIZE", "AUTHOR", "CREATED", "REVISION")
			for _, r := range all.items {
				t.add(r.Artifact, numberOf(r), lineCounts(r), number(r.Size), r.Author, when(r.CreatedAt), r.Id)
			}
			return a.show(cmd, all.raw, t)
		}),
	}
	c.Flags().StringVar(&artifact, "artifact", "", "only this artifact")
	c.Flags().IntVar(&limit, "limit", 0, "at most so many; 0: all")
	return c
}

// numberOf is a revision's number; a suspect has none yet.
func numberOf(r *gitstorev1.Revision) string {
	if r.Suspect {
		return "suspect"
	}
	return number(r.Number)
}

func lineCounts(r *gitstorev1.Revision) string {
	return fmt.Sprintf("+%d -%d", r.LinesAdded, r.LinesRemoved)
}

func (a *app) configShowCommand() *cobra.Command {
	var artifact string
	var restorable bool
	var at int32
	c := &cobra.Command{
		Use: "show DEVICE|REVISION", Short: "Print a configuration: a device's newest, or one revision",
		Long: "Print a configuration, exactly as it is stored. Secrets are masked unless --restorable is given, which needs the permission\n" +
			"config.read_secret and is written to the audit trail. With --output json it is the revision's description instead.",
		ValidArgsFunction: a.complete(0, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			revision, err := c.revisionOf(cmd.Context(), args[0], artifact, at)
			if err != nil {
				return err
			}
			if a.json() {
				raw, err := c.get(cmd.Context(), revisionPath(revision.Id), nil, nil)
				if err != nil {
					return err
				}
				return writeJSON(cmd.OutOrStdout(), raw)
			}
			view := "masked"
			if restorable {
				view = "restorable"
			}
			text, err := c.bytes(cmd.Context(), request{
				method: http.MethodGet, path: revisionPath(revision.Id, "/content"), query: url.Values{"view": {view}}, accept: "*/*",
			})
			if err != nil {
				return err
			}
			return printText(cmd, text)
		}),
	}
	c.Flags().StringVar(&artifact, "artifact", "", "which artifact of the device (default: its configuration)")
	c.Flags().Int32Var(&at, "number", 0, "this revision of the device instead of the newest")
	c.Flags().BoolVar(&restorable, "restorable", false, "with its secrets, fit to be put back")
	return c
}

// printText prints what a device said: its bytes as they are into a file or a pipe, and made safe on a terminal.
func printText(cmd *cobra.Command, text []byte) error {
	out := cmd.OutOrStdout()
	if isTerminal(out) {
		text = []byte(safeLines(string(text)))
	}
	_, err := out.Write(text)
	return err
}

// revisionOf finds the revision that arg means: the id of one, or a device's newest (or the one of that number) of an artifact.
func (c *client) revisionOf(ctx context.Context, arg, artifact string, at int32) (*gitstorev1.Revision, error) {
	if isID(arg) {
		r := &gitstorev1.Revision{}
		_, err := c.get(ctx, revisionPath(arg), nil, r)
		if err == nil || !hasReason(err, "REVISION_NOT_FOUND") {
			return r, err
		}
	}
	id, err := c.deviceID(ctx, arg)
	if err != nil {
		return nil, err
	}
	limit := 1
	if at != 0 {
		limit = 0
	}
	all, err := c.artifactRevisions(ctx, id, arg, artifact, limit)
	if err != nil || at == 0 {
		return first(all), err
	}
	return byNumber(all, at)
}

func byNumber(all []*gitstorev1.Revision, number int32) (*gitstorev1.Revision, error) {
	for _, r := range all {
		if r.Number == number {
			return r, nil
		}
	}
	return nil, fmt.Errorf("there is no revision %d of %s; the newest is %d", number, safe(all[0].Artifact), all[0].Number)
}
