package cli

import (
	"fmt"
	"io"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// progress shows a run as it goes.
type progress interface {
	// see takes one change; tasks may come more than once in the same state.
	see(*jobv1.RunEvent)
	// stop leaves the screen in order. Nothing is seen after it.
	stop()
}

// barWidth is the least room that a bar and its counts need.
const barWidth = 60

// newProgress is a bar on a terminal that has room for it, and lines elsewhere.
func newProgress(w io.Writer, run *jobv1.Run) progress {
	if widthOf(w) >= barWidth {
		return newBar(w, run)
	}
	return newLines(w, run)
}

// bar is one line that grows, with the counts beside.
type bar struct {
	all *mpb.Progress
	bar *mpb.Bar
	run chan *jobv1.Run // the last one seen; the drawing goroutine borrows it
}

func newBar(w io.Writer, run *jobv1.Run) *bar {
	b := &bar{all: mpb.New(mpb.WithOutput(w), mpb.WithWidth(60), mpb.WithAutoRefresh()), run: make(chan *jobv1.Run, 1)}
	b.run <- run
	b.bar = b.all.AddBar(0,
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.text(barHead) }), decor.CountersNoUnit(" %d/%d")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.text(barCounts) }), decor.Elapsed(decor.ET_STYLE_GO)))
	b.see(&jobv1.RunEvent{Run: run})
	return b
}

func (b *bar) text(of func(*jobv1.Run) string) string {
	run := <-b.run
	defer func() { b.run <- run }()
	return of(run)
}

func barHead(r *jobv1.Run) string { return safe(r.Kind) + " " + r.State.String() }

func barCounts(r *jobv1.Run) string {
	n := r.GetCounts()
	return fmt.Sprintf("%d ok, %d changed, %d failed ", n.GetSucceeded(), n.GetChanged(), n.GetFailed())
}

func (b *bar) see(e *jobv1.RunEvent) {
	<-b.run
	b.run <- e.Run
	b.bar.SetTotal(int64(e.Run.GetCounts().GetTotal()), false)
	b.bar.SetCurrent(int64(done(e.Run)))
}

func (b *bar) stop() {
	b.bar.Abort(false) // leaves the last picture; a run that ends early never fills its bar
	b.all.Wait()
}

// done counts the devices that need nothing more.
func done(r *jobv1.Run) int32 {
	n := r.GetCounts()
	return n.GetSucceeded() + n.GetFailed() + n.GetCancelled()
}

// lines is one line for each device that ends or must be tried again.
type lines struct {
	w    io.Writer
	said map[string]jobv1.Task_State
	left jobv1.Run_State
}

func newLines(w io.Writer, run *jobv1.Run) *lines {
	fmt.Fprintf(w, "Run %s (%s) %s\n", run.Id, safe(run.Kind), run.State)
	return &lines{w: w, said: map[string]jobv1.Task_State{}, left: run.State}
}

func (l *lines) see(e *jobv1.RunEvent) {
	for _, t := range e.Tasks {
		if l.said[t.Id] == t.State {
			continue
		}
		l.said[t.Id] = t.State
		if text := taskText(t); text != "" {
			fmt.Fprintf(l.w, "%s: %s\n", safe(deviceOf(t)), safe(text))
		}
	}
	if e.Run.State != l.left {
		l.left = e.Run.State
		fmt.Fprintf(l.w, "Run %s %s: %d of %d done\n", e.Run.Id, e.Run.State, done(e.Run), e.Run.GetCounts().GetTotal())
	}
}

func (l *lines) stop() {}

// taskText is what is worth a line; a task on its way is not.
func taskText(t *jobv1.Task) string {
	switch t.State {
	case jobv1.Task_SUCCEEDED:
		if t.Changed {
			return "SUCCEEDED, changed"
		}
		return "SUCCEEDED"
	case jobv1.Task_RETRY_WAIT:
		return failureText(t.GetFailure()) + ", will be tried again"
	case jobv1.Task_FAILED:
		return "FAILED, " + failureText(t.GetFailure())
	case jobv1.Task_CANCELLED, jobv1.Task_EXPIRED, jobv1.Task_SKIPPED, jobv1.Task_INDETERMINATE:
		return t.State.String()
	}
	return ""
}
