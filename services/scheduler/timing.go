package scheduler

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones on machines that have none

	"github.com/netresearch/go-cron"
)

const (
	minEvery = 10 * time.Second
	maxEvery = 366 * 24 * time.Hour
	// searchYears reaches over the longest gap between two leap days.
	searchYears = 9
	// maxSteps bounds the search for an instant: a clock goes back by a day at most, and a cron expression names seconds at the finest.
	maxSteps = 2 * 24 * 3600
)

// timing is when a schedule fires.
type timing interface {
	// next is the first time after t, or the zero time if there is none.
	next(t time.Time) time.Time
}

// timingError says which field is wrong and why, for people.
type timingError struct{ field, message string }

func (e *timingError) Error() string { return e.field + ": " + e.message }

// parseTiming reads a schedule's timing; exactly one of cron, every and at is set. The key spreads H fields. Errors are *timingError.
func parseTiming(expr, every string, at *time.Time, zone, key string, anchor time.Time) (timing, error) {
	switch {
	case at != nil:
		return once{*at}, nil
	case every != "":
		return parseEvery("every", every, anchor)
	case strings.HasPrefix(expr, "@every "):
		return parseEvery("cron", strings.TrimSpace(strings.TrimPrefix(expr, "@every ")), anchor)
	default:
		return parseCron(expr, zone, key)
	}
}

// once fires at one time.
type once struct{ at time.Time }

func (o once) next(t time.Time) time.Time {
	if o.at.After(t) {
		return o.at
	}
	return time.Time{}
}

// interval fires at whole multiples of a duration after its anchor.
type interval struct {
	anchor time.Time
	every  time.Duration
}

func parseEvery(field, text string, anchor time.Time) (timing, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, &timingError{field, "must be a duration such as 15m or 24h"}
	}
	if d < minEvery || d > maxEvery {
		return nil, &timingError{field, "must be 10s to 8784h"}
	}
	return interval{anchor, d}, nil
}

func (i interval) next(t time.Time) time.Time {
	if t.Before(i.anchor) {
		return i.anchor.Add(i.every)
	}
	passed := int64(t.Sub(i.anchor) / i.every)
	return i.anchor.Add(time.Duration(passed+1) * i.every)
}

// wallClock fires at the wall-clock times of a cron expression.
type wallClock struct {
	spec cron.Schedule
	zone *time.Location
}

var cronParser = cron.MustNewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor |
	cron.Extended | cron.DowOrDom | cron.Hash).WithMaxSearchYears(searchYears)

func parseCron(expr, zone, key string) (timing, error) {
	loc, err := loadZone(zone)
	if err != nil {
		return nil, err
	}
	if strings.Contains(expr, "TZ=") {
		return nil, &timingError{"cron", "takes no zone of its own; set time_zone"}
	}
	spec, err := cronParser.ParseWithHashKey(expr, key)
	if err != nil {
		return nil, &timingError{"cron", fmt.Sprintf("%q is not a cron expression: five or six fields such as \"30 1 * * *\", or @daily", expr)}
	}
	w := wallClock{spec, loc}
	if spec.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, &timingError{"cron", fmt.Sprintf("%q names a date that never comes", expr)}
	}
	return w, nil
}

// loadZone finds an IANA zone. "Local" is none: it would mean another time on another machine.
func loadZone(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return nil, &timingError{"time_zone", fmt.Sprintf("%q is not an IANA time zone such as Europe/Berlin", name)}
	}
	return loc, nil
}

// next looks for the expression's times on a clock that never changes, and asks what instant each is in the zone. The library's own rules for
// clock changes are not used: they differ by field, and assume changes of one hour.
func (w wallClock) next(t time.Time) time.Time {
	wall := onWall(t.In(w.zone))
	for range maxSteps {
		wall = w.spec.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		if at := instant(wall, w.zone); at.After(t) {
			return at
		}
	}
	return time.Time{}
}

// onWall is the wall-clock reading of t as a time in UTC.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant is the first instant at which the zone's clocks show the wall-clock reading, or, if they skip it, the first one after the gap.
func instant(wall time.Time, zone *time.Location) time.Time {
	near := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	begin, end := near.ZoneBounds()
	var first, earliest time.Time
	for _, t := range []time.Time{near, begin.Add(-time.Nanosecond), end} {
		if t.IsZero() || t.Year() < 1 {
			continue
		}
		_, offset := t.In(zone).Zone()
		guess := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if earliest.IsZero() || guess.Before(earliest) {
			earliest = guess
		}
		if onWall(guess).Equal(wall) && (first.IsZero() || guess.Before(first)) {
			first = guess
		}
	}
	if !first.IsZero() {
		return first.UTC()
	}
	_, gapEnds := earliest.ZoneBounds()
	return gapEnds.UTC()
}

// latest is the last time of a timing in (from, now], where from itself is one of its times; from if there is none after it. It looks
// through ever wider windows that end now, so that a long pause costs as much as a short one.
func latest(t timing, from, now time.Time) time.Time {
	for _, window := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 32 * 24 * time.Hour, 400 * 24 * time.Hour, 10 * 400 * 24 * time.Hour} {
		begin := now.Add(-window)
		if begin.Before(from) {
			begin = from
		}
		last := time.Time{}
		for at := t.next(begin); !at.IsZero() && !at.After(now); at = t.next(at) {
			last = at
		}
		if !last.IsZero() {
			return last
		}
		if begin.Equal(from) {
			break
		}
	}
	return from
}
