package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// PackOptions are what the receiver of a pack can read. The zero value is what all can.
type PackOptions struct {
	// Offsets: deltas may name their base by its place in the pack.
	Offsets bool
	// Whole: every base is in the pack itself.
	Whole bool
}

// LeadsTo tells whether next is old or descends from it. From nothing everything does; from a commit that is not here, nothing.
func (r *Repo) LeadsTo(ctx context.Context, old, next Hash) (bool, error) {
	if old.IsZero() || old == next {
		return true, nil
	}
	if known, err := r.Has(old); !known || err != nil {
		return false, err
	}
	_, err := r.git(ctx, 1<<10, "merge-base", "--is-ancestor", old.String(), next.String())
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return false, nil
	}
	return err == nil, err
}

// SendPack has git write a pack of all that next leads to and have does not; commits of have that are not here are left out. It blocks for as long as w takes it, and
// ends with ctx.
func (r *Repo) SendPack(ctx context.Context, w io.Writer, next Hash, have []Hash, o PackOptions) error {
	var revs strings.Builder
	fmt.Fprintln(&revs, next)
	for _, h := range have {
		known, err := r.Has(h)
		if err != nil {
			return err
		}
		if known {
			fmt.Fprintf(&revs, "^%s\n", h)
		}
	}
	args := []string{"pack-objects", "--revs", "--stdout", "-q"}
	if o.Offsets {
		args = append(args, "--delta-base-offset")
	}
	if !o.Whole {
		args = append(args, "--thin")
	}
	r.reading.RLock()
	defer r.reading.RUnlock()
	cmd := exec.CommandContext(ctx, r.opts.Git, args...) //nolint:gosec // arguments are the package's own
	cmd.Dir = r.dir
	cmd.Env = append(gitEnv(), "GIT_DIR="+r.dir)
	cmd.WaitDelay = 5 * time.Second
	said := &boundedBuffer{limit: 8 << 10, quiet: true}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(revs.String()), w, said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w pack-objects: %w: %s", ErrGit, err, oneLine(said.String()))
	}
	return nil
}
