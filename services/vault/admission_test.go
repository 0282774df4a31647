package vault

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
)

// row is a credential of tag t that has worked and has a full bucket; change alters it.
func row(name string, now time.Time, change func(*held)) held {
	h := held{
		Credential:    vaultsql.Credential{ID: newID(), Name: name, TagKeys: []string{"t"}, Priority: 100, LoginsPerSecond: 100},
		CredentialUse: vaultsql.CredentialUse{Worked: true, Tokens: 100, RefilledAt: now},
	}
	if change != nil {
		change(&h)
	}
	return h
}

func TestAdmissionChooses(t *testing.T) {
	now := time.Now()
	later := now.Add(time.Minute)
	paused := func(h *held) {
		h.CredentialUse.PausedUntil, h.CredentialUse.Probation, h.CredentialUse.Streak = &later, true, 4
	}
	neverWorked := func(h *held) { paused(h); h.CredentialUse.Worked = false }
	full := func(h *held) { h.CredentialUse.InFlight = goodInFlight }
	local := func(h *held) { h.Credential.LocalFallback = true }
	first := func(h *held) { h.Credential.Priority = 1 }
	both := func(fs ...func(*held)) func(*held) {
		return func(h *held) {
			for _, f := range fs {
				f(h)
			}
		}
	}
	for name, c := range map[string]struct {
		rows     []held
		lastGood string
		want     []string
		waitFor  string
		none     bool
	}{
		"nothing applies":                       {none: true},
		"by priority, then name":                {rows: []held{row("b", now, nil), row("a", now, nil), row("z", now, first)}, want: []string{"z", "a", "b"}},
		"last good first":                       {rows: []held{row("a", now, first), row("b", now, nil)}, lastGood: "b", want: []string{"b", "a"}},
		"local is not tried beside central":     {rows: []held{row("a", now, nil), row("l", now, both(local, first))}, want: []string{"a"}},
		"local alone is used":                   {rows: []held{row("l", now, local)}, want: []string{"l"}},
		"local when central fails together":     {rows: []held{row("a", now, paused), row("l", now, local)}, want: []string{"l"}},
		"local when the last good fails too":    {rows: []held{row("a", now, paused), row("l", now, local)}, lastGood: "a", want: []string{"l"}},
		"paused":                                {rows: []held{row("a", now, paused)}, waitFor: "a"},
		"paused, has worked: wait":              {rows: []held{row("a", now, paused), row("b", now, nil)}, waitFor: "a"},
		"paused, never worked: passed over":     {rows: []held{row("a", now, neverWorked), row("b", now, nil)}, want: []string{"b"}},
		"paused, not this device's":             {rows: []held{row("a", now, paused), row("b", now, nil)}, lastGood: "b", want: []string{"b"}},
		"paused last good":                      {rows: []held{row("a", now, paused), row("b", now, nil)}, lastGood: "a", waitFor: "a"},
		"full":                                  {rows: []held{row("a", now, full)}, waitFor: "a"},
		"a follower is full: all may be tried":  {rows: []held{row("a", now, nil), row("b", now, full)}, waitFor: "b"},
		"a follower is full behind a last good": {rows: []held{row("a", now, nil), row("b", now, full)}, lastGood: "a", want: []string{"a"}},
		"no more than five": {rows: []held{row("a", now, nil), row("b", now, nil), row("c", now, nil), row("d", now, nil), row("e", now, nil), row("f", now, nil)},
			want: []string{"a", "b", "c", "d", "e"}},
	} {
		t.Run(name, func(t *testing.T) {
			ids := map[uuid.UUID]string{}
			ask := asking{device: newID(), tagKeys: []string{"t"}}
			for _, r := range c.rows {
				ids[r.Credential.ID] = r.Credential.Name
				if r.Credential.Name == c.lastGood {
					ask.lastGood = r.Credential.ID
				}
			}
			got := newAdmission(now, c.rows).admit(ask)
			var names []string
			for _, id := range got.credentials {
				names = append(names, ids[id])
			}
			require.Equal(t, c.want, names)
			require.Equal(t, c.waitFor, got.waitingFor)
			require.Equal(t, c.none, got.noCredential)
			require.Equal(t, c.waitFor != "", got.retryAfter.After(now))
		})
	}
}

func TestInFlightCap(t *testing.T) {
	for _, c := range []struct {
		set, streak int32
		probation   bool
		want        int32
	}{{0, 0, false, 50}, {200, 0, false, 200}, {2, 0, false, 2}, {0, 0, true, 4}, {200, 0, true, 4}, {2, 0, true, 2}, {0, 3, true, 1}, {0, 30, true, 1}} {
		h := row("a", time.Now(), func(h *held) {
			h.Credential.MaxInFlight, h.CredentialUse.Streak, h.CredentialUse.Probation = c.set, c.streak, c.probation
		})
		require.Equal(t, c.want, inFlightCap(&h), "%+v", c)
	}
}

func TestLoginsPerSecondAreATokenBucket(t *testing.T) {
	now := time.Now()
	rows := []held{row("a", now, func(h *held) { h.Credential.LoginsPerSecond = 5 })}
	ask := asking{device: newID(), tagKeys: []string{"t"}}
	admitted := func() (n int, last answer) {
		a := newAdmission(now, rows)
		for range 50 {
			if last = a.admit(ask); len(last.credentials) == 0 {
				break
			}
			n++
		}
		rows[0].CredentialUse.RefilledAt, rows[0].CredentialUse.InFlight = now, 0
		return n, last
	}
	n, last := admitted()
	require.Equal(t, 5, n, "a burst of one second's logins")
	require.InDelta(t, 200*time.Millisecond, last.retryAfter.Sub(now), float64(time.Millisecond))
	third := newAdmission(now, rows)
	for range 2 {
		third.admit(ask)
	}
	require.InDelta(t, 600*time.Millisecond, third.admit(ask).retryAfter.Sub(now), float64(time.Millisecond), "one after the other")
	now = now.Add(400 * time.Millisecond)
	n, _ = admitted()
	require.Equal(t, 2, n)
	now = now.Add(time.Hour)
	n, _ = admitted()
	require.Equal(t, 5, n)
	now = now.Add(-2 * time.Hour) // a clock that is set back gives nothing and takes nothing
	n, _ = admitted()
	require.Zero(t, n)
}

// Whatever happens in whatever order, a new credential has at most four attempts outstanding or refused since it last worked, and after a pause
// one more a pause.
func TestProbationBoundsRefusals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		rows := []held{row("a", now, func(h *held) { h.CredentialUse.Probation, h.CredentialUse.Worked = true, false })}
		id := rows[0].Credential.ID
		rows[0].CredentialUse.CredentialID = id
		refusals, pauses, outstanding := 0, 0, 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				if got := newAdmission(now, rows).admit(asking{device: newID(), tagKeys: []string{"t"}}); len(got.credentials) > 0 {
					outstanding++
				}
			case 1:
				if outstanding > 0 {
					outstanding--
					refusals++
					tl := newTally(now, []vaultsql.CredentialUse{rows[0].CredentialUse})
					tl.settle(vaultsql.Reservation{DeviceID: newID(), CredentialIds: []uuid.UUID{id}, Counted: true, CreatedAt: now},
						[]*jobv1.CredentialOutcome{{CredentialId: id.String(), Result: jobv1.CredentialOutcome_REFUSED}})
					rows[0].CredentialUse = *tl.uses[id]
				}
			default:
				now = now.Add(time.Minute)
				pauses++
			}
			if int(rows[0].CredentialUse.InFlight) != outstanding {
				t.Fatalf("in flight %d, outstanding %d", rows[0].CredentialUse.InFlight, outstanding)
			}
			if refusals+outstanding > probationInFlight+pauses {
				t.Fatalf("%d refused and %d outstanding after %d minutes", refusals, outstanding, pauses)
			}
		}
	})
}

// An attempt holds a credential once, though it logs in with it at a device and at its jump host: in probation, after a pause, one attempt finds
// out, and it must not wait for itself.
func TestAnAttemptDoesNotWaitForItself(t *testing.T) {
	now := time.Now()
	c := row("c", now, func(h *held) {
		h.CredentialUse.Probation, h.CredentialUse.Streak, h.CredentialUse.Tokens = true, 4, 1
		h.Credential.LoginsPerSecond = 1
	})
	a := newAdmission(now, []held{c})
	device := asking{task: newID(), device: newID(), tagKeys: []string{"t"}}
	jump := asking{task: newID(), device: newID(), tagKeys: []string{"t"}, beside: device.task}
	require.Len(t, a.admit(device).credentials, 1)
	require.Len(t, a.admit(jump).credentials, 1)
	require.Empty(t, a.admit(asking{task: newID(), tagKeys: []string{"t"}}).credentials, "another attempt does wait")
	require.EqualValues(t, 2, a.taken[c.Credential.ID].CredentialUse.InFlight, "each reservation is freed on its own")
	require.GreaterOrEqual(t, a.taken[c.Credential.ID].CredentialUse.Tokens, 0.0)

	// What is not held beside it is a reason to wait.
	b := newAdmission(now, []held{c})
	require.Len(t, b.admit(asking{task: newID(), tagKeys: []string{"t"}}).credentials, 1)
	require.Empty(t, b.admit(jump).credentials)
}
