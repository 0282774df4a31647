package cli

import (
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

const coveragePath = "/api/v1/coverage"

func (a *app) configCoverageCommand() *cobra.Command {
	var hours, limit int
	c := &cobra.Command{
		Use: "coverage", Short: "List the enabled devices without a complete backup of the last hours",
		Long: "List the enabled devices without a complete backup of the last hours: first those that never had one, then those whose last one is\n" +
			"longest ago. What is kept apart as suspect is no backup.",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			query := url.Values{"hours": {strconv.Itoa(hours)}}
			all, err := list[inventoryv1.Coverage_Item](cmd.Context(), c, coveragePath, query, limit)
			if err != nil {
				return err
			}
			counts := &inventoryv1.Coverage{}
			query.Set("page_size", "1")
			raw, err := c.get(cmd.Context(), coveragePath, query, counts)
			if err != nil {
				return err
			}
			if a.json() {
				return writeMerged(cmd, raw, all.raw)
			}
			say(cmd, "%d of %d enabled devices have no backup of the last %d hours; %d never had one.", counts.Missing, counts.Devices, counts.Hours, counts.Never)
			t := newTable("DEVICE", "PLATFORM", "SITE", "LAST BACKUP")
			for _, i := range all.items {
				t.add(i.DeviceName, i.Platform, i.SiteName, when(i.LastBackupAt))
			}
			return a.show(cmd, all.raw, t)
		}),
	}
	c.Flags().IntVar(&hours, "hours", 24, "a backup counts for so long")
	c.Flags().IntVar(&limit, "limit", 0, "at most so many; 0: all")
	return c
}

// writeMerged prints one object with the fields of over in it.
func writeMerged(cmd *cobra.Command, raw, over []byte) error {
	out := map[string]json.RawMessage{}
	for _, b := range [][]byte{raw, over} {
		if err := json.Unmarshal(b, &out); err != nil {
			return err
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return writeJSON(cmd.OutOrStdout(), b)
}
