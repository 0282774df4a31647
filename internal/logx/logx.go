// Package logx makes the logger. Keys are the nouns of the house: device gateway agent job run task attempt platform revision err.
package logx

import (
	"io"
	"log/slog"
	"strings"

	"github.com/lmittmann/tint"
)

// New writes to w at a level (debug, info, warn, error; info if unknown) as json, or as text for people if format is text.
func New(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		l = slog.LevelInfo
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{Level: l, NoColor: true, TimeFormat: "2006-01-02T15:04:05.000Z07:00"}))
}
