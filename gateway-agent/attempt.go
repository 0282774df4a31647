package agent

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// attempt is an AttemptRef that can be a map's key and a file's name.
type attempt struct {
	task  string
	fence int64
}

func attemptOf(r *jobv1.AttemptRef) attempt { return attempt{task: r.GetTaskId(), fence: r.GetFence()} }

func (a attempt) ref() *jobv1.AttemptRef { return &jobv1.AttemptRef{TaskId: a.task, Fence: a.fence} }

// valid tells whether the names are what job gives out; they become names of files.
func (a attempt) valid() bool {
	id, err := uuid.Parse(a.task)
	return err == nil && id.String() == a.task && a.fence > 0
}

// file is the attempt as the name of a file, without its ending.
func (a attempt) file() string { return a.task + "." + strconv.FormatInt(a.fence, 10) }

// attemptOfFile is the reverse of file with its ending.
func attemptOfFile(name, ending string) (attempt, bool) {
	name, ok := strings.CutSuffix(name, ending)
	task, number, found := strings.Cut(name, ".")
	fence, err := strconv.ParseInt(number, 10, 64)
	a := attempt{task: task, fence: fence}
	return a, ok && found && err == nil && a.valid()
}
