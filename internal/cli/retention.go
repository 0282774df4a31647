package cli

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

func (a *app) retentionCommand() *cobra.Command {
	var runs, originals int
	c := &cobra.Command{
		Use: "retention", Short: "Show what is kept for how long, and what other numbers of days would remove",
		Long: "Show for how long ended runs and original configurations are kept, and what would go now. Other numbers of days are only counted, so that\n" +
			"they can be looked at before they go into the server's configuration file (retention). Masked configurations are kept for ever.",
		Example: "  netraven retention\n  netraven retention --runs-days 30 --originals-days 365",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			r, o := &jobv1.RunRetention{}, &gitstorev1.OriginalRetention{}
			rawRuns, err := c.get(cmd.Context(), "/api/v1/retention/runs", url.Values{"days": {strconv.Itoa(runs)}}, r)
			if err != nil {
				return err
			}
			rawOriginals, err := c.get(cmd.Context(), "/api/v1/retention/originals", url.Values{"days": {strconv.Itoa(originals)}}, o)
			if err != nil {
				return err
			}
			if a.json() {
				return writeJSON(cmd.OutOrStdout(), fmt.Appendf(nil, `{"runs": %s, "originals": %s}`, rawRuns, rawOriginals))
			}
			t := newTable("WHAT", "KEPT FOR", "AT", "WOULD GO", "OLDEST")
			t.add("runs", days(r.ConfiguredDays), days(r.Days), fmt.Sprintf("%.0f runs, %.0f tasks", r.Runs, r.Tasks), when(r.Oldest))
			t.add("originals", days(o.ConfiguredDays), days(o.Days), fmt.Sprintf("%.0f originals, %.1f MB", o.Originals, o.Bytes/1e6), when(o.Oldest))
			return t.write(cmd.OutOrStdout())
		}),
	}
	c.Flags().IntVar(&runs, "runs-days", 0, "what would go if runs were kept for so long (default: as configured)")
	c.Flags().IntVar(&originals, "originals-days", 0, "what would go if originals were kept for so long (default: as configured)")
	return c
}

func days(n int32) string {
	if n == 0 {
		return "ever"
	}
	return fmt.Sprintf("%d days", n)
}
