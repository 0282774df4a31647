package inventory_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/platforms"
)

const acme = `name: acme_os
label: Acme
aliases: [acme, Acme-2]
login: {prompt: '^\S+[>#] ?$'}
backup: {artifact: running.cfg, send: show running-config, complete: {last_line: '^end$'}}
`

// ios takes the place of the built-in page; it says nothing of that one's aliases.
const ios = `name: cisco_ios
label: Our IOS
login: {prompt: '^\S+[>#] ?$'}
backup: {artifact: running.cfg, send: show startup-config, complete: {last_line: '^end$'}}
`

func (h house) createPlatform(page string) (*inventoryv1.Platform, error) {
	return h.platforms.CreatePlatform(context.Background(), &inventoryv1.CreatePlatformRequest{Platform: &inventoryv1.Platform{Page: page}})
}

func (h house) updatePlatform(name, page string) (*inventoryv1.Platform, error) {
	return h.platforms.UpdatePlatform(context.Background(), &inventoryv1.UpdatePlatformRequest{Platform: &inventoryv1.Platform{Id: name, Page: page}})
}

func (h house) digest(t *testing.T, device string) string {
	t.Helper()
	out, err := h.targets.GetTargets(context.Background(), &inventoryv1.GetTargetsRequest{DeviceIds: []string{device}})
	require.NoError(t, err)
	return out.GetItems()[0].GetPageDigest()
}

func TestACustomPlatformWorksAtOnce(t *testing.T) {
	h, ctx := open(t), context.Background()
	p, err := h.createPlatform(acme)
	require.NoError(t, err)
	require.Equal(t, inventoryv1.Platform_API, p.GetOrigin())
	d := h.create(t, &inventoryv1.Device{Name: "a", Address: "x", Platform: "ACME"})
	require.Equal(t, "acme_os", d.GetPlatform())
	require.Equal(t, p.GetDigest(), h.digest(t, d.GetId()))

	changed, err := h.updatePlatform("acme_os", acme+"# changed\n")
	require.NoError(t, err)
	require.NotEqual(t, p.GetDigest(), changed.GetDigest())
	require.Equal(t, changed.GetDigest(), h.digest(t, d.GetId()))
	old, err := h.targets.GetPages(ctx, &inventoryv1.GetPagesRequest{Digests: []string{p.GetDigest()}})
	require.NoError(t, err)
	require.Len(t, old.GetItems(), 1, "a page that was in use can still be had")

	_, err = h.platforms.DeletePlatform(ctx, &inventoryv1.DeletePlatformRequest{Id: "acme_os"})
	require.Equal(t, "PLATFORM_IN_USE", errs.Reason(err))
	_, err = h.devices.DeleteDevice(ctx, &inventoryv1.DeleteDeviceRequest{Id: d.GetId()})
	require.NoError(t, err)
	_, err = h.platforms.DeletePlatform(ctx, &inventoryv1.DeletePlatformRequest{Id: "acme_os"})
	require.NoError(t, err)
	_, err = h.platforms.GetPlatform(ctx, &inventoryv1.GetPlatformRequest{Id: "acme"})
	require.Equal(t, "PLATFORM_NOT_FOUND", errs.Reason(err))

	actions := []string{}
	for _, l := range h.trust.lines {
		actions = append(actions, l.GetAction()+" "+l.GetObjectId())
	}
	require.Equal(t, []string{"platform.create acme_os", "platform.update acme_os", "platform.delete acme_os"}, actions)
}

func TestACustomPageTakesThePlaceOfABuiltInOne(t *testing.T) {
	h, ctx := open(t), context.Background()
	d := h.create(t, &inventoryv1.Device{Name: "a", Address: "x", Platform: "cisco_ios"})
	before := h.digest(t, d.GetId())
	mine, err := h.createPlatform(ios)
	require.NoError(t, err)
	require.False(t, mine.GetBuiltin())
	require.Equal(t, mine.GetDigest(), h.digest(t, d.GetId()))
	byAlias, err := h.platforms.GetPlatform(ctx, &inventoryv1.GetPlatformRequest{Id: "ios"})
	require.NoError(t, err)
	require.Equal(t, mine.GetDigest(), byAlias.GetDigest(), "the old aliases lead to the new page")
	_, err = h.platforms.DeletePlatform(ctx, &inventoryv1.DeletePlatformRequest{Id: "cisco_ios"})
	require.NoError(t, err, "the built-in page is beneath: devices keep a platform")
	require.Equal(t, before, h.digest(t, d.GetId()))
}

func TestABadPageIsRefusedWithLineAndKey(t *testing.T) {
	h := open(t)
	_, err := h.createPlatform(acme)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		page   string
		code   codes.Code
		reason string
		detail string
	}{
		"empty":         {"", codes.InvalidArgument, "PAGE_INVALID", "page:1: is empty"},
		"unknown key":   {acme + "colour: blue\n", codes.InvalidArgument, "PAGE_INVALID", "page:6: colour: unknown key"},
		"not a regexp":  {"name: x\nlabel: X\nlogin: {prompt: '('}\nbackup: {artifact: a, send: b, complete: {last_line: end}}\n", codes.InvalidArgument, "PAGE_INVALID", "page:3: login.prompt: "},
		"alias of mine": {"name: x\nlabel: X\naliases: ACME\n" + acme[len("name: acme_os\nlabel: Acme\naliases: [acme, Acme-2]\n"):], codes.InvalidArgument, "PAGE_INVALID", `page: aliases[0]: "ACME" already means acme_os`},
		"name of alias": {"name: ios\n" + ios[len("name: cisco_ios\n"):], codes.InvalidArgument, "PAGE_INVALID", `page: name: "ios" already means cisco_ios`},
		"again":         {acme, codes.AlreadyExists, "PLATFORM_EXISTS", ""},
	} {
		_, err := h.createPlatform(c.page)
		require.Equal(t, c.code, errs.Code(err), name)
		require.Equal(t, c.reason, errs.Reason(err), name)
		if c.detail != "" {
			require.Contains(t, errs.From(err).Details()[0].Message, c.detail, name)
		}
	}
	_, err = h.updatePlatform("cisco_ios", ios)
	require.Equal(t, "PLATFORM_IS_BUILTIN", errs.Reason(err))
	_, err = h.updatePlatform("nope", acme)
	require.Equal(t, "PLATFORM_NOT_FOUND", errs.Reason(err))
	_, err = h.updatePlatform("acme_os", "name: other\n"+acme[len("name: acme_os\n"):])
	require.Equal(t, codes.InvalidArgument, errs.Code(err))
}

func TestPagesFromFilesStandOverBuiltInOnes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("ios.yaml", ios)
	write("acme.yaml", acme)
	pages, problems, err := platforms.ReadFolder(dir)
	require.NoError(t, err)
	require.Empty(t, problems)
	h := openWith(t, pages)
	p, err := h.platforms.GetPlatform(context.Background(), &inventoryv1.GetPlatformRequest{Id: "cisco_ios"})
	require.NoError(t, err)
	require.Equal(t, "Our IOS", p.GetLabel())
	require.Equal(t, inventoryv1.Platform_FILE, p.GetOrigin())
	_, err = h.createPlatform(ios)
	require.Equal(t, "PLATFORM_IS_FILE", errs.Reason(err))
	_, err = h.platforms.DeletePlatform(context.Background(), &inventoryv1.DeletePlatformRequest{Id: "acme_os"})
	require.Equal(t, "PLATFORM_IS_FILE", errs.Reason(err))

	write("twice.yaml", acme)
	write("wrong.yaml", "name: 7\n")
	_, problems, err = platforms.ReadFolder(dir)
	require.NoError(t, err)
	require.Contains(t, problems[0].Error(), filepath.Join(dir, "twice.yaml")+": name: acme_os is also the page in "+filepath.Join(dir, "acme.yaml"))
	require.Contains(t, problems[1].Error(), filepath.Join(dir, "wrong.yaml")+":1: ")
}
