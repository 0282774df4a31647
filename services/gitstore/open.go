package gitstore

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/platforms"
)

const (
	// maxOriginal is the largest original: what an agent reads of one command at most.
	maxOriginal = 32 << 20
	// tagDigits of a secret's keyed hash show in masked text: enough to tell changed from unchanged, too few to search for the secret.
	tagDigits = 12
	// sealBroken is why an original that does not open is refused.
	sealBroken = "SEAL_BROKEN"
)

// text is an artifact that came with bytes.
type text struct {
	in     *gitstorev1.StoredArtifact
	masked []byte
	author string
	digest string // SHA-256 of masked, hex
	main   bool   // the device's configuration, or that of its contexts
	beside comparison
}

// open opens, checks and masks what came with bytes. An attempt whose seal or digest is wrong is rejected; the others go on.
func (s *Service) open(ctx context.Context, attempts []*attempt) error {
	var withBytes []*attempt
	digests := map[string]bool{}
	request := &vaultv1.GetDataKeysRequest{}
	for _, a := range attempts {
		if bringsBytes(a) {
			withBytes = append(withBytes, a)
			digests[a.in.GetPageDigest()] = true
			request.DeviceIds = append(request.DeviceIds, a.in.GetDeviceId())
		}
	}
	if len(withBytes) == 0 {
		return nil
	}
	pages, err := s.pages.get(ctx, digests)
	if err != nil {
		return err
	}
	shreds := s.shreds.Load() // before the keys
	keys, err := s.dataKeys(ctx, request)
	if err != nil {
		return err
	}
	if len(keys.GetItems()) != len(withBytes) {
		return errors.New("vault answered another number of data keys than asked for")
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, a := range withBytes {
		a.shreds = shreds
		g.Go(func() error {
			a.reader = &reader{page: pages[a.in.GetPageDigest()], keys: keys.GetItems()[i], mask: s.masking(keys.GetTagKey())}
			a.open()
			return nil
		})
	}
	return errors.Join(g.Wait(), s.brokenSeals(ctx, withBytes))
}

// masking answers how texts are masked; not at all where the setting says so.
func (s *Service) masking(tagKey []byte) func(*platforms.Page, []byte) []byte {
	if s.plain {
		return func(_ *platforms.Page, clean []byte) []byte { return clean }
	}
	tag := tagger(tagKey)
	return func(page *platforms.Page, clean []byte) []byte { return page.Mask(clean, tag) }
}

// bringsBytes tells whether any artifact is not called unchanged.
func bringsBytes(a *attempt) bool {
	return slices.ContainsFunc(a.in.GetArtifacts(), func(x *gitstorev1.StoredArtifact) bool { return !x.GetUnchanged() })
}

// reader is what texts of a device are opened and masked with.
type reader struct {
	page *platforms.Page
	keys *vaultv1.GetDataKeysResponse_Item
	mask func(*platforms.Page, []byte) []byte
}

// open opens one attempt's artifacts, or rejects the attempt.
func (a *attempt) open() {
	page, keys := a.reader.page, a.reader.keys
	if page == nil {
		a.out = rejected("PAGE_UNKNOWN")
		return
	}
	for _, in := range a.in.GetArtifacts() {
		if in.GetUnchanged() {
			continue
		}
		def := artifactOf(page, in.GetName())
		if def == nil {
			a.out = rejected("ARTIFACT_UNKNOWN")
			return
		}
		original, err := seal.OpenArtifact(keys.GetSealKey(), a.aad(in.GetName()), in.GetSealed(), maxOriginal)
		if err != nil {
			a.out = rejected(sealBroken)
			return
		}
		clean := def.Clean(original)
		if label, digest := platforms.ChangeDigest(keys.GetDigestKey(), page, def, clean); label == in.GetLabel() && digest != in.GetDigest() {
			a.out = rejected("DIGEST_WRONG")
			return
		}
		masked := a.reader.mask(page, clean)
		a.texts = append(a.texts, text{in: in, masked: masked, author: def.Author(original), digest: digestOf(masked),
			main: def == page.Main() || def.Each != nil})
	}
}

// digestOf is the SHA-256 of a masked text, hex.
func digestOf(masked []byte) string {
	sum := sha256.Sum256(masked)
	return hex.EncodeToString(sum[:])
}

func (a *attempt) aad(artifact string) seal.ArtifactAAD {
	return seal.ArtifactAAD{DeviceID: a.in.GetDeviceId(), Artifact: artifact, TaskID: a.in.GetTaskId(), Fence: a.in.GetFence()}
}

func artifactOf(page *platforms.Page, name string) *platforms.Artifact {
	for _, def := range page.Backup {
		if def.Name == name {
			return def
		}
	}
	return nil
}

// tagger makes the short tags that stand for secrets in masked text: equal secrets have equal tags all over the installation, and nobody without the key can
// try secrets against them.
func tagger(key []byte) func([]byte) string {
	return func(secret []byte) string {
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write(secret) // never fails
		return hex.EncodeToString(mac.Sum(nil))[:tagDigits]
	}
}
