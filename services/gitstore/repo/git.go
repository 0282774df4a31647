package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// MinGit is the oldest git program gitstore works with: it is the first whose `repack --geometric` keeps packs that are in use.
var MinGit = [2]int{2, 34}

// gitEnv is all that git gets to see of the environment: no user's configuration, no prompts, paths taken literally.
// safe.directory: the data folder may belong to another user than the process (root in a container).
func gitEnv() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=/nonexistent",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_LITERAL_PATHSPECS=1",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
	}
}

// git runs the program in the repository and gives what it printed, at most maxOutput bytes. The process ends with ctx.
func (r *Repo) git(ctx context.Context, maxOutput int, args ...string) ([]byte, error) {
	r.reading.RLock()
	defer r.reading.RUnlock()
	cmd := exec.CommandContext(ctx, r.opts.Git, args...) //nolint:gosec // arguments are the package's own
	cmd.Dir = r.dir
	cmd.Env = append(gitEnv(), "GIT_DIR="+r.dir)
	cmd.WaitDelay = 5 * time.Second
	out := &boundedBuffer{limit: maxOutput}
	said := &boundedBuffer{limit: 8 << 10, quiet: true}
	cmd.Stdout, cmd.Stderr = out, said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if out.full {
			err = fmt.Errorf("more than %d bytes", maxOutput)
		}
		return nil, fmt.Errorf("%w %s: %w: %s", ErrGit, args[0], err, oneLine(said.String()))
	}
	return out.Bytes(), nil
}

// boundedBuffer keeps up to limit bytes; beyond, it fails the writer, or, when quiet, drops.
type boundedBuffer struct {
	bytes.Buffer
	limit int
	quiet bool
	full  bool
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) <= b.limit {
		return b.Buffer.Write(p)
	}
	b.full = true
	if b.quiet {
		return len(p), nil
	}
	return 0, errors.New("output too large")
}

// GitVersion asks the git program (empty: "git") how old it is. ErrGit, with a sentence for people, when it is missing or older than
// MinGit.
func GitVersion(ctx context.Context, program string) (string, error) {
	if program == "" {
		program = "git"
	}
	cmd := exec.CommandContext(ctx, program, "version") //nolint:gosec // the operator's setting
	cmd.Env = gitEnv()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: cannot run %q (%w); install git %d.%d or newer", ErrGit, program, err, MinGit[0], MinGit[1])
	}
	version := strings.TrimSpace(strings.TrimPrefix(string(out), "git version "))
	var v [2]int
	for i, part := range strings.SplitN(version, ".", 3) {
		if i < len(v) {
			v[i], _ = strconv.Atoi(part) // what is no number is 0, and too old
		}
	}
	if v[0] < MinGit[0] || v[0] == MinGit[0] && v[1] < MinGit[1] {
		return version, fmt.Errorf("%w: version %s is too old; install %d.%d or newer", ErrGit, version, MinGit[0], MinGit[1])
	}
	return version, nil
}

// Verify has git check every object and every link (fsck --full --strict). nil when all is well; ErrCorrupt with git's words, which
// name the object, when not. It reads everything: minutes on a large repository.
func (r *Repo) Verify(ctx context.Context) error {
	_, err := r.git(ctx, 1<<20, "fsck", "--full", "--strict", "--no-dangling", "--no-progress")
	if errors.Is(err, ErrGit) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
