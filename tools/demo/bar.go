package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const barWidth = 40

// bar shows how far a run is: as one line that grows on a terminal, elsewhere as a line for every tenth.
type bar struct {
	out      io.Writer
	terminal bool
	tenth    int
	drawn    bool
}

func newBar(out io.Writer) *bar {
	b := &bar{out: out}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		b.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return b
}

func (b *bar) show(c *jobv1.Run_Counts) {
	total := int(c.GetTotal())
	done := int(c.GetSucceeded() + c.GetFailed() + c.GetCancelled())
	if total == 0 {
		return
	}
	if b.terminal {
		full := barWidth * done / total
		fmt.Fprintf(b.out, "\r      [%s%s] %d of %d, %d failed ", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done, total, c.GetFailed())
		b.drawn = true
		return
	}
	if tenth := 10 * done / total; tenth > b.tenth {
		b.tenth = tenth
		fmt.Fprintf(b.out, "      %d of %d done, %d failed\n", done, total, c.GetFailed())
	}
}

// end leaves the line.
func (b *bar) end() {
	if b.drawn {
		fmt.Fprintln(b.out)
	}
}
