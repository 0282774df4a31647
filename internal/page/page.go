// Package page has the page sizes and tokens of all lists. Lists are keyset-paged: a token holds the sort key of the last row that
// was answered, so a page costs the same wherever it is.
package page

import (
	"encoding/base64"
	"encoding/json"

	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
)

const (
	defaultSize = 100
	maxSize     = 1000
	maxToken    = 8 << 10
)

// Size is the page size to use for what a request asked: 100 unless said otherwise, at most 1,000.
func Size(n int32) int32 {
	switch {
	case n <= 0:
		return defaultSize
	case n > maxSize:
		return maxSize
	default:
		return n
	}
}

// Token packs the sort key of the last row. It is opaque to callers, but not secret.
func Token(parts ...string) string {
	b, _ := json.Marshal(parts) // strings always marshal
	return base64.RawURLEncoding.EncodeToString(b)
}

// Parse unpacks a token of n parts. An empty token gives nil: the first page. Errors: INVALID_ARGUMENT/PAGE_TOKEN_INVALID.
func Parse(token string, n int) ([]string, error) {
	if token == "" {
		return nil, nil
	}
	invalid := errs.New(codes.InvalidArgument, "PAGE_TOKEN_INVALID", "page_token is not one that this list answered; start again without it").
		Field("page_token", "INVALID", "use next_page_token of the page before")
	if len(token) > maxToken {
		return nil, invalid
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, invalid.Wrap(err)
	}
	var parts []string
	if err := json.Unmarshal(b, &parts); err != nil || len(parts) != n {
		return nil, invalid.Wrap(err)
	}
	return parts, nil
}
