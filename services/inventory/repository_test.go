package inventory_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

func TestASiteNamesItsRepository(t *testing.T) {
	h, ctx := open(t), context.Background()
	site, err := h.sites.CreateSite(ctx, &inventoryv1.CreateSiteRequest{Site: &inventoryv1.Site{Name: "plain"}})
	require.NoError(t, err)
	require.Equal(t, "configs", site.GetRepository())
	apart, err := h.sites.CreateSite(ctx, &inventoryv1.CreateSiteRequest{Site: &inventoryv1.Site{Name: "apart", Repository: "customer-7"}})
	require.NoError(t, err)
	require.Equal(t, "customer-7", apart.GetRepository())

	d := h.create(t, &inventoryv1.Device{Name: "a", Address: "x", Platform: "cisco_ios", SiteId: apart.GetId()})
	targets := func() string {
		out, err := h.targets.GetTargets(ctx, &inventoryv1.GetTargetsRequest{DeviceIds: []string{d.GetId()}})
		require.NoError(t, err)
		return out.GetItems()[0].GetRepository()
	}
	require.Equal(t, "customer-7", targets())

	patch := func(name string) error {
		_, err := h.sites.UpdateSite(ctx, &inventoryv1.UpdateSiteRequest{Site: &inventoryv1.Site{Id: apart.GetId(), Repository: name},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"repository"}}})
		return err
	}
	require.NoError(t, patch("c"))
	require.Equal(t, "c", targets())
	require.NoError(t, patch(""))
	require.Equal(t, "configs", targets(), "empty is the default")
	for _, bad := range []string{"Configs", "../x", "-x", "a.git", "a b", strings.Repeat("x", 64), "ä"} {
		require.Equal(t, "REPOSITORY_INVALID", errs.Reason(patch(bad)), bad)
		_, err := h.sites.CreateSite(ctx, &inventoryv1.CreateSiteRequest{Site: &inventoryv1.Site{Name: "x", Repository: bad}})
		require.Equal(t, "repository", errs.From(err).Details()[0].Field, bad)
	}
	require.Equal(t, "configs", targets())
}
