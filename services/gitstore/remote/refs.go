package remote

import (
	"io"
	"slices"
	"strings"

	"github.com/netraven/netraven/services/gitstore/repo"
)

const (
	agent = "git/netraven"
	// maxRefs bounds what is read of a server that has very many branches.
	maxRefs = 200_000
)

// advertised is what a server says that it has and can.
type advertised struct {
	// branch is where the server's branch is; zero: it has none.
	branch repo.Hash
	// tips are what all its refs name, each once.
	tips []repo.Hash
	can  []string
}

func (a *advertised) has(capability string) bool { return slices.Contains(a.can, capability) }

// readRefs reads the list of refs.
func readRefs(in io.Reader, t Target) (*advertised, error) {
	out, seen := &advertised{}, map[repo.Hash]bool{}
	for n := 0; ; n++ {
		line, err := readPacket(in)
		if err != nil {
			return nil, err
		}
		if line == nil {
			return out, nil
		}
		if n > maxRefs {
			return nil, failed(Refused, "the server has more than %d branches and tags", maxRefs)
		}
		text, can, first := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\x00")
		if first {
			out.can = strings.Fields(can)
		}
		if said, refused := strings.CutPrefix(text, "ERR "); refused {
			return nil, failed(Refused, "the server refuses: %s", t.words(said))
		}
		if strings.HasPrefix(text, "shallow ") || strings.HasPrefix(text, "version ") {
			continue
		}
		hash, name, ok := strings.Cut(text, " ")
		h, err := repo.ParseHash(hash)
		if !ok || err != nil {
			return nil, errProtocol
		}
		if name == repo.Branch {
			out.branch = h
		}
		if !h.IsZero() && !seen[h] {
			seen[h] = true
			out.tips = append(out.tips, h)
		}
	}
}
