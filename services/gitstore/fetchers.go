package gitstore

import (
	"sync"

	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
)

// clonesOfOne is how many of the git processes one user may have: nobody, with stalled transfers or many runners, keeps all others from cloning.
const clonesOfOne = clonesAtOnce - 2

// fetchers counts the clones and fetches that run, by user. The zero value is ready.
type fetchers struct {
	mu sync.Mutex
	of map[string]int
}

// enter counts one more of a user's, until leave is called.
func (f *fetchers) enter(user string) (leave func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[user] >= clonesOfOne {
		return nil, errs.New(codes.Unavailable, "TOO_MANY_CLONES", "%d clones of yours are running already; try again in some seconds", clonesOfOne)
	}
	if f.of == nil {
		f.of = map[string]int{}
	}
	f.of[user]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.of[user]--; f.of[user] == 0 {
			delete(f.of, user)
		}
	}, nil
}
