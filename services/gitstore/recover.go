package gitstore

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/services/gitstore/mirror"
)

// RecoverConfig says which originals to open, and how.
type RecoverConfig struct {
	// From is the mirror, as Config.Mirror names it.
	From string
	// Trusted is the public key of the installation that made the mirror; nil: whoever signed it.
	Trusted ed25519.PublicKey
	// Device is a name, SITE/NAME or id; empty: all. Artifact is a file's name; empty: all.
	Device, Artifact string
	// Revision asks for one revision instead of the newest ones.
	Revision string
	// List answers every original there is, without opening any.
	List bool
	// SealKey opens a device's wrapped key and answers the key of its originals.
	SealKey func(deviceID string, wrapped []byte) ([]byte, error)
}

// Recovered is an original.
type Recovered struct {
	RevisionID, DeviceID, Artifact string
	// Path is site/device/artifact as safe names; it may be empty.
	Path      string
	CreatedAt time.Time
	Size      int32
	Text      []byte
}

// Recover reads originals from a mirror alone: no server, no database, no git. each gets one after the other, in the order of their paths. It goes on after damage, of which the error
// names all. Segments are copied into a temporary folder meanwhile; they are sealed.
func Recover(ctx context.Context, cfg RecoverConfig, each func(Recovered) error) error {
	from, err := mirror.Open(cfg.From)
	if err != nil {
		return err
	}
	m, signer, err := mirror.ReadAny(ctx, from)
	if errors.Is(err, mirror.ErrMissing) {
		return fmt.Errorf("there is no mirror at %s: it has no manifest", from)
	}
	if err != nil {
		return err
	}
	if cfg.Trusted != nil && !cfg.Trusted.Equal(signer) {
		return fmt.Errorf("the mirror %s is signed by another installation (key %x)", from, []byte(signer))
	}
	tmp, err := os.MkdirTemp("", "netraven-recover-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	dir := filepath.Join(tmp, "segments")
	_, err = fetchOriginals(ctx, from, m, dir)
	failed := []error{err}
	all, err := readSegments(dir)
	if err != nil {
		return errors.Join(append(failed, err)...)
	}
	wanted, err := cfg.choose(all)
	if err != nil {
		return errors.Join(append(failed, err)...)
	}
	for _, r := range wanted {
		out, err := cfg.open(dir, r)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s of device %s: %w", r.about.GetArtifact(), r.about.GetDeviceId(), err))
			continue
		}
		if err := each(out); err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
	return errors.Join(failed...)
}

// record is an original in a segment, without its bytes.
type record struct {
	about *gitstorev1.MirroredOriginal
	slot
}

// readSegments lists the originals; of those of one revision the last counts.
func readSegments(dir string) (map[string]record, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all := map[string]record{}
	for _, f := range files {
		err := eachFrame(filepath.Join(dir, f.Name()), func(offset int64, o *gitstorev1.MirroredOriginal) error {
			o.Sealed = nil
			all[o.GetRevisionId()] = record{o, slot{f.Name(), offset}}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// choose picks the newest original of each artifact that is asked for, or the revision, or all.
func (cfg RecoverConfig) choose(all map[string]record) ([]record, error) {
	ids := map[string]string{} // device -> a path of it
	for _, r := range all {
		if cfg.Device == "" || isDevice(r.about, cfg.Device) {
			ids[r.about.GetDeviceId()] = path.Dir(r.about.GetPath())
		}
	}
	if cfg.Device != "" && len(ids) > 1 {
		return nil, notOne(cfg.Device, ids)
	}
	best := map[string]record{}
	for id, r := range all {
		if _, ok := ids[r.about.GetDeviceId()]; !ok || cfg.Artifact != "" && r.about.GetArtifact() != cfg.Artifact || cfg.Revision != "" && id != cfg.Revision {
			continue
		}
		key := r.about.GetDeviceId() + "/" + r.about.GetArtifact()
		if cfg.List {
			key = id
		}
		old, ok := best[key]
		if !ok || newer(r.about, old.about) {
			best[key] = r
		}
	}
	if len(best) == 0 {
		return nil, errors.New("the mirror has no such original; --list shows those that it has")
	}
	out := make([]record, 0, len(best))
	for _, r := range best {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b record) int {
		return strings.Compare(a.about.GetPath()+a.about.GetDeviceId()+a.about.GetRevisionId(), b.about.GetPath()+b.about.GetDeviceId()+b.about.GetRevisionId())
	})
	return out, nil
}

func newer(a, b *gitstorev1.MirroredOriginal) bool {
	if !a.GetCreatedAt().AsTime().Equal(b.GetCreatedAt().AsTime()) {
		return a.GetCreatedAt().AsTime().After(b.GetCreatedAt().AsTime())
	}
	return a.GetRevisionId() > b.GetRevisionId() // made later
}

func isDevice(o *gitstorev1.MirroredOriginal, name string) bool {
	return strings.EqualFold(name, o.GetDeviceId()) || isCalled(o.GetPath(), name)
}

func (cfg RecoverConfig) open(dir string, r record) (Recovered, error) {
	o := r.about
	out := Recovered{RevisionID: o.GetRevisionId(), DeviceID: o.GetDeviceId(), Artifact: o.GetArtifact(), Path: o.GetPath(), CreatedAt: o.GetCreatedAt().AsTime(), Size: o.GetSize()}
	if cfg.List {
		return out, nil
	}
	whole, err := r.read(dir)
	if err != nil {
		return out, err
	}
	key, err := cfg.SealKey(o.GetDeviceId(), o.GetRecoveryWrapped())
	if err != nil {
		return out, err
	}
	aad := seal.ArtifactAAD{DeviceID: o.GetDeviceId(), Artifact: o.GetArtifact(), TaskID: o.GetSealedTaskId(), Fence: o.GetSealedFence()}
	out.Text, err = seal.OpenArtifact(key, aad, whole.GetSealed(), maxOriginal)
	return out, err
}
