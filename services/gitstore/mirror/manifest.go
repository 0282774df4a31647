package mirror

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/netraven/netraven/internal/wellknown"
)

// Format is that of the manifests that are written and read.
const Format = 2

const (
	manifestName = "manifest"
	manifestHead = "netraven-mirror-v1"
	// signed goes before what is signed, so that the signature means nothing else.
	signed = "netraven mirror manifest v1\n"
	// maxManifest bounds what is read before it can be checked: a line for each of a million packs.
	maxManifest = 256 << 20

	packsDir     = "packs/"
	originalsDir = "originals/"
)

// Manifest says what counts in a mirror.
type Manifest struct {
	Format int `json:"format"`
	// Generation goes up by one with each manifest.
	Generation int64     `json:"generation"`
	MadeAt     time.Time `json:"made_at"`
	// Repositories are those that have a commit, as they were at one moment.
	Repositories []Repository `json:"repositories"`
	// Originals are those of all repositories, oldest first: where two have the same original, the later one counts.
	Originals []Segment `json:"originals"`
	// Change is the change of originals up to which they are here.
	Change int64 `json:"change"`
	// Mark is another one in each manifest: the database that wrote it knows it.
	Mark string `json:"mark"`
	// Forgotten is the moment up to which this manifest has followed what was destroyed on purpose.
	Forgotten time.Time `json:"forgotten,omitzero"`
}

// ForgottenUntil is Forgotten; the zero time where there is no manifest.
func (m *Manifest) ForgottenUntil() time.Time {
	if m == nil {
		return time.Time{}
	}
	return m.Forgotten
}

// Repository is one of the history.
type Repository struct {
	// Name has no ".git".
	Name string `json:"name"`
	// Head is the commit that all packs together lead to, hex.
	Head  string `json:"head"`
	Packs []File `json:"packs"`
}

// File is an object that counts.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Segment is a file of originals: those whose last change is above From and at most To. To is 0 in one that is kept from a database that is no longer.
type Segment struct {
	File
	From    int64 `json:"from"`
	To      int64 `json:"to"`
	Records int64 `json:"records"`
}

// objectName is what a name may be: it becomes a file's.
var objectName = regexp.MustCompile(`^(packs/[a-z0-9-]{1,63}/pack-[0-9a-f]{40}\.pack|originals/[0-9a-f]{64}\.seg)$`)

// Files are all objects that count.
func (m *Manifest) Files() []File {
	if m == nil {
		return nil
	}
	var out []File
	for _, r := range m.Repositories {
		out = append(out, r.Packs...)
	}
	for _, s := range m.Originals {
		out = append(out, s.File)
	}
	return out
}

// Write signs a manifest and puts it into the place of the one before.
func Write(ctx context.Context, to Store, m *Manifest, key ed25519.PrivateKey) error {
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	public, _ := key.Public().(ed25519.PublicKey)
	sig := ed25519.Sign(key, append([]byte(signed), body...))
	text := fmt.Appendf(nil, "%s %x %x\n%s\n", manifestHead, public, sig, body)
	return to.Put(ctx, manifestName, int64(len(text)), bytes.NewReader(text))
}

// Read reads the manifest and checks that trusted signed it. ErrMissing when there is none.
func Read(ctx context.Context, from Store, trusted ed25519.PublicKey) (*Manifest, error) {
	m, public, err := ReadAny(ctx, from)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(public, trusted) {
		return nil, fmt.Errorf("the manifest of the mirror %s: it is signed by another installation (key %x, ours is %x)", from, []byte(public), []byte(trusted))
	}
	return m, nil
}

// ReadAny reads the manifest whoever signed it, and answers who did: it is whole, and may be anybody's.
func ReadAny(ctx context.Context, from Store) (*Manifest, ed25519.PublicKey, error) {
	r, err := from.Get(ctx, manifestName)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, nil, err
	}
	if len(text) > maxManifest {
		return nil, nil, errors.New("the manifest is too large")
	}
	public, body, err := verify(text)
	if err != nil {
		return nil, nil, fmt.Errorf("the manifest of the mirror %s: %w", from, err)
	}
	m, err := parse(body)
	if err != nil {
		return nil, nil, fmt.Errorf("the manifest of the mirror %s: %w", from, err)
	}
	return m, public, nil
}

// verify answers who signed a manifest, and what.
func verify(text []byte) (public ed25519.PublicKey, body []byte, err error) {
	line, body, _ := bytes.Cut(text, []byte("\n"))
	words := bytes.Fields(line)
	if len(words) != 3 || string(words[0]) != manifestHead {
		return nil, nil, errors.New("it is damaged, or no manifest of this version")
	}
	public, err = hex.DecodeString(string(words[1]))
	if err != nil || len(public) != ed25519.PublicKeySize {
		return nil, nil, errors.New("it is damaged: its first line has no key")
	}
	sig, err := hex.DecodeString(string(words[2]))
	body = bytes.TrimSuffix(body, []byte("\n"))
	if err != nil || !ed25519.Verify(public, append([]byte(signed), body...), sig) {
		return nil, nil, errors.New("its signature is wrong: it was changed or is damaged")
	}
	return public, body, nil
}

func parse(body []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, err
	}
	if m.Format != Format {
		return nil, fmt.Errorf("it has format %d; this version of NetRaven reads %d", m.Format, Format)
	}
	for _, r := range m.Repositories {
		if !wellknown.IsRepository(r.Name) {
			return nil, fmt.Errorf("it names %q, which is no repository", r.Name)
		}
	}
	for _, f := range m.Files() {
		if !objectName.MatchString(f.Name) {
			return nil, fmt.Errorf("it names %q, which is no object of a mirror", f.Name)
		}
	}
	return m, nil
}
