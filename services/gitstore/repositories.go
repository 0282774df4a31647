package gitstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/wellknown"
	"github.com/netraven/netraven/services/gitstore/repo"
)

const (
	// repository is that of all sites that are not kept apart. It is there from the first start, and its row counts the changes of all.
	repository = wellknown.Repository
	gitSuffix  = ".git"
	// siteTrees bounds the folders in memory of each other repository: there may be hundreds, and few are as large.
	siteTrees = 8 << 20
)

// bare is one repository, and git's own server of clones of it.
type bare struct {
	*repo.Repo
	name   string
	clones http.Handler
}

// repositories are those of one folder, open. Safe for concurrent use.
type repositories struct {
	dir   string
	store *store
	serve repo.ServeOptions
	// fs writes them. Nil: the operating system.
	fs repo.FS

	mu   sync.RWMutex
	open map[string]*bare
}

// openRepositories opens those that the database knows, and those in the folder that it has forgotten because it was restored to an older moment, or made anew.
// damaged is told when git stumbles over one; nil: nobody.
func openRepositories(ctx context.Context, s *store, dir string, fs repo.FS, log *slog.Logger, damaged func()) (*repositories, error) {
	r := &repositories{dir: dir, store: s, fs: fs, open: map[string]*bare{},
		serve: repo.ServeOptions{Slots: make(chan struct{}, clonesAtOnce), Timeout: fetchTime, Log: log, Damaged: damaged}}
	points, _, err := s.heads(ctx)
	if err != nil {
		return nil, err
	}
	found, err := foundIn(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range append(slices.Collect(maps.Keys(points)), found...) {
		if _, err := r.need(ctx, name); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

// foundIn names the repositories in a folder. A copy that somebody put there under another name is none: its description says what it was.
func foundIn(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), gitSuffix)
		if !ok || !wellknown.IsRepository(name) {
			continue
		}
		if about, err := os.ReadFile(filepath.Join(dir, f.Name(), "description")); err == nil && strings.TrimSpace(string(about)) == name {
			out = append(out, name)
		}
	}
	return out, nil
}

// options are how a repository is opened; it is described by its name, by which it is found again.
func options(name string) repo.Options {
	o := repo.Options{Description: name}
	if name != repository {
		o.TreeCacheBytes = siteTrees
	}
	return o
}

// folderOf is where a repository lies.
func folderOf(dir, name string) string { return filepath.Join(dir, name+gitSuffix) }

// get answers a repository that is there.
func (r *repositories) get(name string) (*bare, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if b := r.open[name]; b != nil {
		return b, nil
	}
	return nil, errs.New(codes.NotFound, "REPOSITORY_NOT_FOUND", "there is no such repository")
}

// need answers a repository, which it makes at its first use. Names come from inventory, which checks them, and are checked before they are a path.
func (r *repositories) need(ctx context.Context, name string) (*bare, error) {
	if b, err := r.get(name); err == nil {
		return b, nil
	}
	if !wellknown.IsRepository(name) {
		return nil, fmt.Errorf("gitstore: %q cannot be a repository's name", name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.open[name]; b != nil {
		return b, nil
	}
	if err := r.store.addRepository(ctx, name); err != nil {
		return nil, err
	}
	o := options(name)
	o.FS = r.fs
	opened, err := repo.Open(folderOf(r.dir, name), o)
	if err != nil {
		return nil, err
	}
	b := &bare{Repo: opened, name: name, clones: opened.ServeGit(r.serve)}
	r.open[name] = b
	return b, nil
}

// all answers them by name.
func (r *repositories) all() []*bare {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.SortedFunc(maps.Values(r.open), func(a, b *bare) int { return strings.Compare(a.name, b.name) })
}

func (r *repositories) close() error {
	var failed []error
	for _, b := range r.all() {
		failed = append(failed, b.Close())
	}
	return errors.Join(failed...)
}

// blob reads a text by the names that a row has of its repository and of it.
func (r *repositories) blob(ctx context.Context, repository, name string) ([]byte, error) {
	b, err := r.get(repository)
	if err != nil {
		return nil, fmt.Errorf("repository %q: %w", repository, err)
	}
	h, err := repo.ParseHash(name)
	if err != nil {
		return nil, err
	}
	return b.Blob(ctx, h)
}
