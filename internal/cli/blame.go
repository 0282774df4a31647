package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

func (a *app) configBlameCommand() *cobra.Command {
	var artifact string
	var at int32
	c := &cobra.Command{
		Use: "blame DEVICE|REVISION", Short: "Show with which revision each line of a configuration came",
		ValidArgsFunction: a.complete(0, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			revision, err := c.revisionOf(cmd.Context(), args[0], artifact, at)
			if err != nil {
				return err
			}
			blame := &gitstorev1.Blame{}
			raw, err := c.get(cmd.Context(), revisionPath(revision.Id, "/blame"), nil, blame)
			if err != nil {
				return err
			}
			if a.json() {
				return writeJSON(cmd.OutOrStdout(), raw)
			}
			text, err := c.bytes(cmd.Context(), request{
				method: http.MethodGet, path: revisionPath(revision.Id, "/content"), query: url.Values{"view": {"masked"}}, accept: "*/*",
			})
			if err != nil {
				return err
			}
			return printText(cmd, []byte(annotated(blame, string(text))))
		}),
	}
	c.Flags().StringVar(&artifact, "artifact", "", "which artifact of the device (default: its configuration)")
	c.Flags().Int32Var(&at, "number", 0, "this revision of the device instead of the newest")
	return c
}

// annotated is a text with number, author and time of each line's revision before it.
func annotated(blame *gitstorev1.Blame, text string) string {
	lines := strings.SplitAfter(text, "\n")
	wide := 0
	for _, s := range blame.Sections {
		wide = max(wide, len(s.Revision.Author))
	}
	var b strings.Builder
	for _, s := range blame.Sections {
		for i := s.FirstLine - 1; i < s.FirstLine-1+s.Lines && int(i) < len(lines); i++ {
			fmt.Fprintf(&b, "%4s  %-*s  %s  %s", numberOf(s.Revision), min(wide, 24), safe(s.Revision.Author), when(s.Revision.CreatedAt), lines[i])
		}
	}
	return b.String()
}
