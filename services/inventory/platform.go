package inventory

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/platforms"
)

// maxCustom bounds the custom platforms: every replica keeps them compiled.
const maxCustom = 500

// ListPlatforms answers all platforms by name, without their pages.
func (s *Service) ListPlatforms(ctx context.Context, _ *inventoryv1.ListPlatformsRequest) (*inventoryv1.ListPlatformsResponse, error) {
	shelf, err := s.pages.now(ctx, s.store.q)
	if err != nil {
		return nil, err
	}
	out := &inventoryv1.ListPlatformsResponse{}
	for _, e := range shelf.List() {
		out.Items = append(out.Items, shelf.describe(&inventoryv1.Platform{Id: e.Name, Name: e.Name, Label: e.Label, Aliases: e.Aliases}))
	}
	return out, nil
}

// GetPlatform answers one platform with its page; an alias will do.
func (s *Service) GetPlatform(ctx context.Context, in *inventoryv1.GetPlatformRequest) (*inventoryv1.Platform, error) {
	shelf, err := s.pages.now(ctx, s.store.q)
	if err != nil {
		return nil, err
	}
	p, ok := shelf.Lookup(in.GetId())
	if !ok {
		return nil, errs.NotFound("platform", in.GetId())
	}
	return shelf.platform(p), nil
}

// CreatePlatform adds a custom page.
func (s *Service) CreatePlatform(ctx context.Context, in *inventoryv1.CreatePlatformRequest) (*inventoryv1.Platform, error) {
	page, err := parsePage(in.GetPlatform().GetPage())
	if err != nil {
		return nil, err
	}
	return s.changePlatform(ctx, "platform.create", page.Name, page, func(q *inventorysql.Queries, shelf *shelf, by string) error {
		if _, exists := shelf.rows[page.Name]; exists {
			return errs.New(codes.AlreadyExists, "PLATFORM_EXISTS", "there is a custom page %s; PATCH /api/v1/platforms/%s replaces it", page.Name, page.Name)
		}
		if shelf.files[page.Name] {
			return isFile(page.Name)
		}
		if len(shelf.rows) >= maxCustom {
			return errs.New(codes.ResourceExhausted, "TOO_MANY_PLATFORMS", "there are %d custom pages, as many as there may be; delete one that no device uses", maxCustom)
		}
		return q.CreateCustomPlatform(ctx, inventorysql.CreateCustomPlatformParams{Name: page.Name, Digest: page.Digest(), Page: page.Source(), UpdatedBy: by, CreatedAt: s.now()})
	})
}

// UpdatePlatform replaces a custom page.
func (s *Service) UpdatePlatform(ctx context.Context, in *inventoryv1.UpdatePlatformRequest) (*inventoryv1.Platform, error) {
	for _, path := range in.GetUpdateMask().GetPaths() {
		if path != "page" && path != "id" {
			return nil, unknownField(path)
		}
	}
	page, err := parsePage(in.GetPlatform().GetPage())
	if err != nil {
		return nil, err
	}
	name := in.GetPlatform().GetId()
	return s.changePlatform(ctx, "platform.update", name, page, func(q *inventorysql.Queries, shelf *shelf, by string) error {
		if err := shelf.mayChange(name); err != nil {
			return err
		}
		if page.Name != name {
			return errs.Invalid("page", "NAME_FIXED", fmt.Sprintf("says name: %s; the platform is called %s, and a name cannot be changed", page.Name, name))
		}
		return q.UpdateCustomPlatform(ctx, inventorysql.UpdateCustomPlatformParams{Name: name, Digest: page.Digest(), Page: page.Source(), UpdatedBy: by, UpdatedAt: s.now()})
	})
}

// DeletePlatform removes a custom page.
func (s *Service) DeletePlatform(ctx context.Context, in *inventoryv1.DeletePlatformRequest) (*emptypb.Empty, error) {
	name := in.GetId()
	_, err := s.changePlatform(ctx, "platform.delete", name, nil, func(q *inventorysql.Queries, shelf *shelf, _ string) error {
		if err := shelf.mayChange(name); err != nil {
			return err
		}
		if _, beneath := s.pages.base.Lookup(name); !beneath {
			n, err := q.CountDevicesOfPlatform(ctx, name)
			if err != nil {
				return err
			}
			if n > 0 {
				return errs.New(codes.FailedPrecondition, "PLATFORM_IN_USE", "%d devices are of platform %s; give them another one first (GET /api/v1/devices?platform=%s)", n, name, name)
			}
		}
		return q.DeleteCustomPlatform(ctx, name)
	})
	return &emptypb.Empty{}, err
}

// changePlatform runs do on the locked table and answers the platform as it is afterwards; page is nil where it goes. The audit line is durable
// before the change is.
func (s *Service) changePlatform(ctx context.Context, action, name string, page *platforms.Page, do func(*inventorysql.Queries, *shelf, string) error) (*inventoryv1.Platform, error) {
	who := authn.FromContext(ctx)
	details := map[string]string{}
	err := s.store.tx(ctx, func(q *inventorysql.Queries) error {
		if err := q.LockCustomPlatforms(ctx); err != nil {
			return err
		}
		shelf, err := s.pages.now(ctx, q)
		if err != nil {
			return err
		}
		if page != nil {
			if problems := shelf.Taken("page", page); len(problems) > 0 {
				return invalidPage(problems)
			}
			details["digest"] = page.Digest()
		}
		if err := do(q, shelf, who.Name()); err != nil {
			return err
		}
		_, err = s.trust.AppendAudit(ctx, &authv1.AppendAuditRequest{Lines: []*authv1.AuditLine{{
			Id: newID().String(), At: timestamppb.New(s.now()), Actor: who.Actor(), ActorName: who.Name(), Action: action, ObjectKind: "platform",
			ObjectId: name, Outcome: "OK", Details: details,
		}}})
		return err
	})
	if err != nil || page == nil {
		return nil, err
	}
	return s.GetPlatform(ctx, &inventoryv1.GetPlatformRequest{Id: name})
}

// mayChange refuses what was not made by API.
func (s *shelf) mayChange(name string) error {
	if s.files[name] {
		return isFile(name)
	}
	if _, custom := s.rows[name]; custom {
		return nil
	}
	if _, ok := s.Lookup(name); ok {
		return errs.New(codes.FailedPrecondition, "PLATFORM_IS_BUILTIN", "%s comes with NetRaven; POST /api/v1/platforms with a page of that name takes its place", name)
	}
	return errs.NotFound("platform", name)
}

func isFile(name string) error {
	return errs.New(codes.FailedPrecondition, "PLATFORM_IS_FILE", "the page %s is a file in the server's folder platforms; change it there and restart", name)
}

func parsePage(text string) (*platforms.Page, error) {
	page, problems := platforms.Parse("page", []byte(text))
	if page == nil {
		return nil, invalidPage(problems)
	}
	return page, nil
}

// invalidPage has one detail a problem, with line and key.
func invalidPage(problems []platforms.Problem) error {
	err := errs.New(codes.InvalidArgument, "PAGE_INVALID", "%v", problems[0])
	if more := len(problems) - 1; more > 0 {
		err = errs.New(codes.InvalidArgument, "PAGE_INVALID", "%v (and %d more)", problems[0], more)
	}
	for _, p := range problems {
		err = err.Field("page", "PAGE_INVALID", p.Error())
	}
	return err
}

// platform is a page with its text.
func (s *shelf) platform(p *platforms.Page) *inventoryv1.Platform {
	aliases := p.Aliases
	for _, e := range s.List() {
		if e.Name == p.Name {
			aliases = e.Aliases
		}
	}
	return s.describe(&inventoryv1.Platform{Id: p.Name, Name: p.Name, Label: p.Label, Aliases: aliases, Page: string(p.Source()), Digest: p.Digest()})
}

// describe adds what is known beside the page.
func (s *shelf) describe(p *inventoryv1.Platform) *inventoryv1.Platform {
	p.Origin = s.origin(p.Name)
	p.Builtin = p.Origin == inventoryv1.Platform_BUILTIN
	if p.Origin == inventoryv1.Platform_API {
		r := s.rows[p.Name]
		p.Digest, p.CreatedAt, p.UpdatedAt = r.Digest, timestamppb.New(r.CreatedAt), timestamppb.New(r.UpdatedAt)
	}
	return p
}
