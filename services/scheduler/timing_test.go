package scheduler

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func mustCron(t testing.TB, expr, zone string) timing {
	t.Helper()
	w, err := parseTiming(expr, "", nil, zone, "key", time.Time{})
	require.NoError(t, err)
	return w
}

// fires lists n times after a local time.
func fires(t *testing.T, w timing, zone, after string, n int) []string {
	loc, err := time.LoadLocation(zone)
	require.NoError(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", after, loc)
	require.NoError(t, err)
	var out []string
	for range n {
		at = w.next(at)
		out = append(out, at.In(loc).Format("2006-01-02 15:04 -0700"))
	}
	return out
}

// FAILURES 44: clock changes.
func Test44ClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, expr, zone, after string
		want                    []string
	}{
		{"gap, New York", "30 2 * * *", "America/New_York", "2026-03-07 00:00",
			[]string{"2026-03-07 02:30 -0500", "2026-03-08 03:00 -0400", "2026-03-09 02:30 -0400"}},
		{"overlap, New York", "30 1 * * *", "America/New_York", "2026-10-31 12:00",
			[]string{"2026-11-01 01:30 -0400", "2026-11-02 01:30 -0500"}},
		{"every quarter through a gap", "*/15 1-3 * * *", "America/New_York", "2026-03-08 01:40",
			[]string{"2026-03-08 01:45 -0500", "2026-03-08 03:00 -0400", "2026-03-08 03:15 -0400"}},
		{"half an hour's gap, Lord Howe", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00",
			[]string{"2026-10-04 02:30 +1100", "2026-10-05 02:15 +1100"}},
		{"half an hour's overlap, Lord Howe", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04 12:00",
			[]string{"2026-04-05 01:45 +1100", "2026-04-06 01:45 +1030"}},
		{"a day that was not, Apia", "30 12 * * *", "Pacific/Apia", "2011-12-29 00:00",
			[]string{"2011-12-29 12:30 -1000", "2011-12-31 00:00 +1400", "2011-12-31 12:30 +1400"}},
		{"midnight that was not, Sao Paulo", "0 0 * * *", "America/Sao_Paulo", "2018-11-03 12:00",
			[]string{"2018-11-04 01:00 -0200", "2018-11-05 00:00 -0200"}},
		{"no change at all", "0 4 * * *", "UTC", "2026-03-07 04:00", []string{"2026-03-08 04:00 +0000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, fires(t, mustCron(t, c.expr, c.zone), c.zone, c.after, len(c.want)))
		})
	}
}

func TestOverlapSeenFromInside(t *testing.T) {
	w := mustCron(t, "30 1 * * *", "America/New_York")
	second := time.Date(2026, 11, 1, 6, 10, 0, 0, time.UTC) // 01:10 for the second time
	require.Equal(t, time.Date(2026, 11, 2, 6, 30, 0, 0, time.UTC), w.next(second))
}

func TestExpressions(t *testing.T) {
	for expr, want := range map[string]string{
		"0 0 L * *":      "2026-01-31 00:00 +0000",
		"0 9 * * MON#1":  "2026-02-02 09:00 +0000",
		"0 9 * * 7":      "2026-01-11 09:00 +0000",
		"0 0 13 * 5":     "2026-01-09 00:00 +0000", // either: the old rule of cron
		"0 0 29 2 *":     "2028-02-29 00:00 +0000",
		"@daily":         "2026-01-07 00:00 +0000",
		"30 */5 * * * *": "2026-01-06 12:00 +0000",
	} {
		require.Equal(t, []string{want}, fires(t, mustCron(t, expr, "UTC"), "UTC", "2026-01-06 12:00", 1), expr)
	}
	a, b := mustCron(t, "H H(1-4) * * *", "UTC"), mustCron(t, "H H(1-4) * * *", "UTC")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, a.next(now), b.next(now), "spread by the key, not by chance")
}

func TestRefusedTimings(t *testing.T) {
	for _, c := range []struct{ expr, every, zone, field string }{
		{"0 0 31 2 *", "", "UTC", "cron"},
		{"nonsense", "", "UTC", "cron"},
		{"61 * * * *", "", "UTC", "cron"},
		{"TZ=UTC 0 0 * * *", "", "UTC", "cron"},
		{"@every 1s", "", "UTC", "cron"},
		{"0 0 * * *", "", "Mars/Base", "time_zone"},
		{"0 0 * * *", "", "Local", "time_zone"},
		{"", "5s", "UTC", "every"},
		{"", "soon", "UTC", "every"},
	} {
		_, err := parseTiming(c.expr, c.every, nil, c.zone, "k", time.Time{})
		var typed *timingError
		require.ErrorAs(t, err, &typed, "%+v", c)
		require.Equal(t, c.field, typed.field)
	}
}

func TestIntervalsKeepTheirPhase(t *testing.T) {
	anchor := time.Date(2026, 1, 1, 0, 0, 7, 0, time.UTC)
	w, err := parseTiming("", "15m", nil, "UTC", "k", anchor)
	require.NoError(t, err)
	require.Equal(t, anchor.Add(15*time.Minute), w.next(anchor))
	require.Equal(t, anchor.Add(60*time.Minute), w.next(anchor.Add(45*time.Minute+time.Second)))
}

// Whatever the zone and the moment: next is after, it is a time that the expression names or the end of a gap, and none is skipped by looking
// from in between.
func TestNextIsMonotonic(t *testing.T) {
	zones := []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Europe/Berlin", "Asia/Kathmandu"}
	exprs := []string{"30 2 * * *", "*/7 * * * *", "0 0 1 * *", "15 1-3 * * SUN", "@hourly"}
	rapid.Check(t, func(rt *rapid.T) {
		w := mustCron(t, rapid.SampledFrom(exprs).Draw(rt, "expr"), rapid.SampledFrom(zones).Draw(rt, "zone"))
		from := time.Unix(rapid.Int64Range(1_300_000_000, 1_900_000_000).Draw(rt, "from"), 0)
		next := w.next(from)
		if !next.After(from) {
			rt.Fatalf("%v is not after %v", next, from)
		}
		between := from.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(from))-1).Draw(rt, "between")))
		if got := w.next(between); !got.Equal(next) {
			rt.Fatalf("from %v: %v, but from %v: %v", from, next, between, got)
		}
		if got := latest(w, from, next.Add(time.Second)); !got.Equal(next) {
			rt.Fatalf("latest is %v, not %v", got, next)
		}
	})
}

func FuzzParseCron(f *testing.F) {
	f.Add("30 1 * * *", "Europe/Berlin")
	f.Add("@every 10s", "UTC")
	f.Add("H H L * MON#1", "Asia/Tokyo")
	f.Fuzz(func(t *testing.T, expr, zone string) {
		w, err := parseTiming(expr, "", nil, zone, "k", time.Unix(0, 0))
		if err != nil {
			return
		}
		now := time.Unix(1_780_000_000, 0)
		if next := w.next(now); !next.IsZero() && !next.After(now) {
			t.Fatalf("%q: %v is not after %v", expr, next, now)
		}
	})
}
