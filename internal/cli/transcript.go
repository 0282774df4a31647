package cli

import (
	"net/url"

	"github.com/spf13/cobra"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const transcriptHelp = "keep what devices say and what is typed, masked: netraven run transcript shows it"

func (a *app) runTranscriptCommand() *cobra.Command {
	return &cobra.Command{
		Use: "transcript TASK", Short: "Print what one device said in a run and what was typed, if the run was started with --transcript",
		Long: "Print what one device said and what was typed in the last attempt at a task (netraven run tasks shows the task's id), if the run was started\n" +
			"with --transcript. Secrets are masked. Lines that begin with >> were typed; those with -- say a stage, or what is left out.",
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			t := &jobv1.Transcript{}
			raw, err := c.get(cmd.Context(), "/api/v1/tasks/"+url.PathEscape(args[0])+"/transcript", nil, t)
			if err != nil {
				return err
			}
			if a.json() {
				return writeJSON(cmd.OutOrStdout(), raw)
			}
			return printText(cmd, []byte(t.Text))
		}),
	}
}
