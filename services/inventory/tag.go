package inventory

import (
	"context"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/page"
)

// ListTags pages through the tags by name.
func (s *Service) ListTags(ctx context.Context, in *inventoryv1.ListTagsRequest) (*inventoryv1.ListTagsResponse, error) {
	after, err := afterName(in.GetPageToken())
	if err != nil {
		return nil, err
	}
	items, next, err := s.store.listTags(ctx, after, page.Size(in.GetPageSize()))
	return &inventoryv1.ListTagsResponse{Items: items, NextPageToken: next}, err
}

// afterName reads the token of a list that is sorted by lower-case name.
func afterName(token string) (string, error) {
	parts, err := page.Parse(token, 1)
	if err != nil || parts == nil {
		return "", err
	}
	return parts[0], nil
}
