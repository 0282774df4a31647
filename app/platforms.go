package app

import (
	"fmt"
	"strings"

	"github.com/netraven/netraven/platforms"
)

// customPages reads the pages of the folder <data>/platforms. One that is not in order stops the start: without it the devices that it is for would be
// read by another page, or by none, and nobody would know.
func customPages(dir string) ([]*platforms.Page, error) {
	pages, problems, err := platforms.ReadFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("platform pages: %w", err)
	}
	if len(problems) == 0 {
		return pages, nil
	}
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.Error())
	}
	return nil, fmt.Errorf("platform pages that cannot be used; mend them or move them out of %s (netraven platform check shows the same):\n%s", dir, strings.Join(lines, "\n"))
}
