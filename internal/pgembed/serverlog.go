package pgembed

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

const (
	keptLines = 12
	keptBytes = 400 // of a line
)

// serverLog passes the server's log on, line by line, and keeps the last lines for an error's text.
type serverLog struct {
	log *slog.Logger

	mu      sync.Mutex
	partial []byte
	last    []string
}

// Write never fails: a log that cannot be kept must not stop the database.
func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, p...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte("\n"))
		if !found {
			break
		}
		l.partial = rest
		l.take(string(line))
	}
	if len(l.partial) > 64<<10 {
		l.take(string(l.partial))
		l.partial = nil
	}
	return len(p), nil
}

func (l *serverLog) take(line string) {
	if strings.TrimSpace(line) == "" {
		return
	}
	l.log.Log(context.Background(), lineLevel(line), "postgres: "+line)
	l.last = append(l.last, line[:min(len(line), keptBytes)])
	if len(l.last) > keptLines {
		l.last = l.last[1:]
	}
}

// lineLevel: an ERROR is a statement's, and whoever sent it gets and reports it; only the server's own troubles are ours to show.
func lineLevel(line string) slog.Level {
	switch {
	case strings.HasPrefix(line, "PANIC:"):
		return slog.LevelError
	case strings.Contains(line, "terminating connection due to administrator command"): // every stop says so of each session that is open
		return slog.LevelDebug
	case strings.HasPrefix(line, "FATAL:"):
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

// tail is what the server said last, on one line.
func (l *serverLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.last) == 0 {
		return "it said nothing"
	}
	return strings.Join(l.last, "; ")
}
