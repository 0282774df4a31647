package lab

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// WriteInventory writes the devices as the CSV that the product imports. The
// lab must listen, so that the ports are known.
func (l *Lab) WriteInventory(w io.Writer) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"name", "address", "port", "platform", "site", "tags"}}
	for _, d := range l.devices {
		i := d.Info()
		rows = append(rows, []string{i.Name, i.Address, strconv.Itoa(i.Port), i.Platform, i.Site, strings.Join(i.Tags, ";")})
	}
	return c.WriteAll(rows)
}
