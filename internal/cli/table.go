package cli

import (
	"io"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	ltable "charm.land/lipgloss/v2/table"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// table is what a list looks like to people. Cells are made safe when it is written.
type table struct {
	head []string
	rows [][]string
}

func newTable(head ...string) table { return table{head: head} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// with adds a row to a table that is being passed on.
func (t table) with(cells ...string) table {
	t.add(cells...)
	return t
}

// write prints the table, plain but for bold heads on a terminal. It is as wide as it must be, also in a narrow window: an id that is broken over
// lines cannot be copied, and grep and awk want one row a line.
func (t table) write(w io.Writer) error {
	if len(t.rows) == 0 && len(t.head) > 0 {
		_, err := io.WriteString(w, "(none)\n")
		return err
	}
	rendered := t.layout(isTerminal(w)).Render()
	var b strings.Builder
	for _, line := range strings.Split(rendered, "\n") {
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t table) layout(colour bool) *ltable.Table {
	cell := lipgloss.NewStyle().PaddingRight(2)
	head := cell
	if colour {
		head = cell.Bold(true)
	}
	out := ltable.New().Border(lipgloss.HiddenBorder()).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderHeader(false).BorderColumn(false).BorderRow(false).Wrap(false).
		StyleFunc(func(row, col int) lipgloss.Style {
			if row == ltable.HeaderRow || (len(t.head) == 0 && col == 0) {
				return head
			}
			return cell
		})
	if len(t.head) > 0 {
		out.Headers(t.head...)
	}
	for _, row := range t.rows {
		clean := make([]string, len(row))
		for i, c := range row {
			clean[i] = safe(c)
		}
		out.Row(clean...)
	}
	return out
}

// when is a time as people read it: local, to the second; never is a dash.
func when(t *timestamppb.Timestamp) string {
	if t == nil || (t.Seconds == 0 && t.Nanos == 0) {
		return "-"
	}
	return t.AsTime().Local().Format(time.DateTime)
}

func number(n int32) string { return strconv.Itoa(int(n)) }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// dash stands where there is nothing, so that columns can be counted.
func dash(s string) string {
	if strings.TrimSpace(s) == "" {
		return "-"
	}
	return s
}

func joined(list []string) string { return dash(strings.Join(list, ", ")) }
