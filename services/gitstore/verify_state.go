package gitstore

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxFindings of a pass are logged and kept to be shown; all are counted.
const maxFindings = 1000

// progress is where the pass under way is, and what the last one came to. It is a file beside the repositories: it tells of that folder's disk, and may be lost.
type progress struct {
	Part   string    `json:"part"`
	At     string    `json:"at"`
	Object int       `json:"object"`
	Began  time.Time `json:"began"`
	// Wrong counts rows and commits that do not fit together, so far.
	Wrong int `json:"wrong"`

	Ended     time.Time `json:"ended"`
	LastWrong int       `json:"last_wrong"`
	// Damaged packs, and what is wrong with each: until they are mended, found whole, or gone.
	Damaged map[inRepository]string `json:"damaged"`
}

// verified is what is known of the state of the history. Safe for concurrent use.
type verified struct {
	file string
	now  func() time.Time

	mu       sync.Mutex
	state    progress
	findings []Finding
	saved    time.Time
	next     time.Time
	// forward is when a pass was last brought forward.
	forward time.Time

	mended prometheus.Counter
}

// open reads the file; what cannot be read is begun anew.
func (v *verified) open(file string, now func() time.Time) {
	v.file, v.now = file, now
	if text, err := os.ReadFile(file); err == nil && json.Unmarshal(text, &v.state) != nil {
		v.state = progress{}
	}
	if v.state.Damaged == nil {
		v.state.Damaged = map[inRepository]string{}
	}
	if v.state.Part == "" && !v.state.Ended.IsZero() {
		v.next = v.state.Ended.Add(verifyEvery)
	}
}

// save writes the file. It is not synced: after a power cut a pass begins anew.
func (v *verified) save() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.saveLocked()
}

func (v *verified) saveLocked() error {
	v.saved = v.now()
	text, err := json.Marshal(v.state)
	if err != nil {
		return err
	}
	tmp := v.file + ".tmp"
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, v.file)
}

// begin tells whether a part is still to be done.
func (v *verified) begin(part string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.state.Part == "" {
		v.state.Part, v.state.Began, v.state.Wrong, v.findings = part, v.now(), 0, nil
	}
	return v.state.Part == part
}

// end goes on to the next part.
func (v *verified) end(part string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	next := map[string]string{"packs": "commits", "commits": "revisions", "revisions": "artifacts", "artifacts": "done"}
	v.state.Part, v.state.At, v.state.Object = next[part], "", 0
}

// finish notes a whole pass.
func (v *verified) finish() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state.Part, v.state.At, v.state.Object = "", "", 0
	v.state.Ended, v.state.LastWrong, v.state.Wrong = v.now(), v.state.Wrong, 0
	if v.next = v.state.Ended.Add(verifyEvery); v.forward.After(v.state.Began) {
		v.next = v.state.Ended // it may have been past the damage
	}
	return v.saveLocked()
}

func (v *verified) where() (at string, object int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state.At, v.state.Object
}

// reach notes where the pass is, on disk now and then.
func (v *verified) reach(at string, object int) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state.At, v.state.Object = at, object
	if v.now().Sub(v.saved) < verifySave {
		return nil
	}
	return v.saveLocked()
}

// pause is how long until there is something to do.
func (v *verified) pause() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return max(v.next.Sub(v.now()), 0)
}

func (v *verified) postpone() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.next = v.now().Add(mendEvery)
}

// count notes a row or commit that is wrong, and tells whether it is among those to be shown.
func (v *verified) count(f Finding) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state.Wrong++
	shown := len(v.findings) < maxFindings
	if shown {
		v.findings = append(v.findings, f)
	}
	return shown
}

// note keeps a damaged pack in mind; first tells whether it is news.
func (v *verified) note(r *bare, pack, what string) (first bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := packIn(r.name, pack)
	_, known := v.state.Damaged[at]
	v.state.Damaged[at] = what
	return !known
}

// whole forgets a pack's damage.
func (v *verified) whole(at inRepository) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.state.Damaged, at)
}

// known are the packs that are damaged.
func (v *verified) known() []inRepository {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Sorted(maps.Keys(v.state.Damaged))
}

// all is what is wrong: packs that stay damaged, and what the pass of this process found.
func (v *verified) all() []Finding {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []Finding
	for _, at := range slices.Sorted(maps.Keys(v.state.Damaged)) {
		repository, pack := at.split()
		out = append(out, Finding{Repository: repository, Pack: pack, What: v.state.Damaged[at]})
	}
	return append(out, v.findings...)
}

// wrong counts rows that do not fit: of the last whole pass, or of the one under way if it has more by now.
func (v *verified) wrong() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return max(v.state.Wrong, v.state.LastWrong)
}

func (v *verified) ended() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state.Ended
}

// health is what /readyz says.
func (v *verified) health() map[string]any {
	out := map[string]any{"damaged_packs": len(v.known()), "wrong_rows": v.wrong()}
	if t := v.ended(); !t.IsZero() {
		out["last_pass"] = t.UTC().Format(time.RFC3339)
	}
	return out
}

// register offers the metrics. Nil: to nobody.
func (v *verified) register(to prometheus.Registerer) error {
	v.mended = prometheus.NewCounter(prometheus.CounterOpts{Name: "netraven_gitstore_packs_mended_total", Help: "Damaged packs of the history that were made good."})
	if to == nil {
		return nil
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "netraven_gitstore_" + name, Help: help}, value)
	}
	return errors.Join(to.Register(v.mended),
		to.Register(gauge("damaged_packs", "Packs of the history that are damaged and could not be made good.", func() float64 { return float64(len(v.known())) })),
		to.Register(gauge("wrong_rows", "Rows and commits of the index and the history that do not fit together.", func() float64 { return float64(v.wrong()) })),
		to.Register(gauge("verify_last_pass_timestamp_seconds", "When all of the history was last found read through; 0: not yet.", func() float64 {
			if t := v.ended(); !t.IsZero() {
				return float64(t.Unix())
			}
			return 0
		})))
}

// anew forgets where passes before were and what they found of the index: the next one begins at once.
func (v *verified) anew() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = progress{Damaged: v.state.Damaged}
	v.next = time.Time{}
	return v.saveLocked()
}
