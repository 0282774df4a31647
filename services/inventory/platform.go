package inventory

import (
	"context"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

// ListPlatforms answers all platforms by name, without their pages.
func (s *Service) ListPlatforms(context.Context, *inventoryv1.ListPlatformsRequest) (*inventoryv1.ListPlatformsResponse, error) {
	out := &inventoryv1.ListPlatformsResponse{}
	for _, e := range s.pages.List() {
		out.Items = append(out.Items, &inventoryv1.Platform{Id: e.Name, Name: e.Name, Label: e.Label, Aliases: e.Aliases, Builtin: true})
	}
	return out, nil
}

// GetPlatform answers one platform with its page; an alias will do.
func (s *Service) GetPlatform(_ context.Context, in *inventoryv1.GetPlatformRequest) (*inventoryv1.Platform, error) {
	p, ok := s.pages.Lookup(in.GetId())
	if !ok {
		return nil, errs.NotFound("platform", in.GetId())
	}
	return &inventoryv1.Platform{Id: p.Name, Name: p.Name, Label: p.Label, Aliases: p.Aliases, Page: string(p.Source()), Digest: p.Digest(), Builtin: true}, nil
}
