package gitstore

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/platforms"
	"github.com/netraven/netraven/services/gitstore/grep"
)

const (
	// searchSecret is what the audit trail calls a search for a secret's value.
	searchSecret = "config.search_secret"
	// maxSecret bounds a secret that is searched: the longest private keys have a few kilobytes.
	maxSecret = 64 << 10
)

// bySecret makes a search one for the marks that stand for its secret. Whoever may do that can try values, so it needs the right to read secrets and leaves an audit
// line, durable before anything is searched, with the mark and never with the value; a refusal leaves one too.
func (s *Service) bySecret(ctx context.Context, q *search) error {
	who := authn.FromContext(ctx)
	if !who.Can(readSecret) {
		if err := s.auditLine(ctx, searchSecret, "secret", "", "PERMISSION_DENIED", nil); err != nil {
			return err
		}
		return errs.New(codes.PermissionDenied, "PERMISSION_DENIED", "%s lacks the permission %s, which a search for a secret's value needs", who.Name(), readSecret)
	}
	keys, err := s.vault.GetDataKeys(ctx, &vaultv1.GetDataKeysRequest{})
	if err != nil {
		return err
	}
	tag := tagger(keys.GetTagKey())
	var tags []string
	for _, value := range platforms.Values([]byte(q.in.GetSecret())) {
		if t := tag(value); !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	if len(tags) == 0 {
		return errs.Invalid("secret", "EMPTY", "must not be blank")
	}
	if err := s.auditLine(ctx, searchSecret, "secret", tags[0], "OK", nil); err != nil {
		return err
	}
	q.also = q.pattern
	q.pattern, err = grep.Compile("<secret:(?:"+strings.Join(tags, "|")+")>", true, false)
	return err
}

// patternOf is what is looked for; nil: nothing but a secret.
func patternOf(in *gitstorev1.SearchConfigsRequest) (*grep.Pattern, error) {
	if len(in.GetSecret()) > maxSecret {
		return nil, errs.Invalid("secret", "TOO_LONG", "must have at most 65,536 bytes")
	}
	if in.GetSecret() != "" && in.GetQ() == "" {
		return nil, nil //nolint:nilnil // every line may do that has the secret
	}
	p, err := grep.Compile(in.GetQ(), in.GetRegex(), in.GetIgnoreCase())
	if err != nil {
		return nil, patternInvalid(err)
	}
	return p, nil
}
