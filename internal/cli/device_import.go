package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

// maxImport is what the server takes as one body.
const maxImport = 64 << 20

func (a *app) deviceImportCommand() *cobra.Command {
	var format string
	var dryRun bool
	c := &cobra.Command{
		Use: "import FILE", Short: "Create and update devices from a file (- is standard input)",
		Long: "Create and update devices from a file. CSV starts with a line of field names: name, address and platform are needed; port, site, gateway,\n" +
			"tags (separated by ;), description, ssh.legacy and others may follow. A device is found again by its site and name, so importing the same file twice\n" +
			"changes nothing. A bad row stops no other row; the command then ends with exit code 1.",
		Example: "  netraven device import devices.csv --dry-run",
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			data, err := a.importFile(cmd, args[0])
			if err != nil {
				return err
			}
			query := url.Values{"format": {format}, "dry_run": {fmt.Sprint(dryRun)}}
			out := &inventoryv1.ImportDevicesResponse{}
			raw, err := c.object(cmd.Context(), request{
				method: http.MethodPost, path: deviceNoun.path + ":import", query: query, body: data, contentType: "text/csv",
			}, out)
			if err != nil {
				return err
			}
			return a.showImport(cmd, raw, out, dryRun)
		}),
	}
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"csv"}, cobra.ShellCompDirectiveFilterFileExt
	}
	c.Flags().StringVar(&format, "format", "csv", "format of the file: csv")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would happen")
	return c
}

func (a *app) importFile(cmd *cobra.Command, path string) ([]byte, error) {
	var in io.Reader = a.input(cmd)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxImport+1))
	if err == nil && len(b) > maxImport {
		err = fmt.Errorf("%s has more than %d MiB; split it", path, maxImport>>20)
	}
	return b, err
}

// showImport lists the rows that need a look; those that went well are counted.
func (a *app) showImport(cmd *cobra.Command, raw []byte, out *inventoryv1.ImportDevicesResponse, dryRun bool) error {
	if a.json() {
		if err := writeJSON(cmd.OutOrStdout(), raw); err != nil {
			return err
		}
	} else {
		t := newTable("LINE", "NAME", "RESULT", "ERROR")
		for _, r := range out.Rows {
			if r.Result == "error" || dryRun {
				t.add(number(r.Line), r.Name, r.Result, dash(r.Error))
			}
		}
		if len(t.rows) > 0 {
			if err := t.write(cmd.OutOrStdout()); err != nil {
				return err
			}
		}
		would := ""
		if dryRun {
			would = " (nothing was changed: --dry-run)"
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%d created, %d updated, %d unchanged, %d with errors%s\n", out.Created, out.Updated, out.Duplicates, out.Errors, would)
	}
	if out.Errors > 0 {
		return outcome(ExitFailure)
	}
	return nil
}
