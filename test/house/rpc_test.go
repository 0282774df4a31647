package house

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/job/v1"
	optionsv1 "github.com/netraven/netraven/gen/go/netraven/options/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// calls are the arrows that run-time calls may follow. They form a DAG: nothing calls upward. "agent" is an agent with its certificate.
var calls = map[string][]string{
	"agent":     {"hub"},
	"api":       {"auth", "vault", "inventory", "job", "scheduler", "gitstore", "hub"},
	"scheduler": {"auth", "job"},
	"hub":       {"auth", "job", "vault", "gitstore", "inventory"},
	"job":       {"auth", "inventory", "vault"},
	"gitstore":  {"auth", "inventory", "vault"},
	"vault":     {"auth", "inventory"},
	"inventory": {"auth"},
	"auth":      {},
}

// noREST are public RPCs that have no route by a mapping, and why.
var noREST = map[protoreflect.FullName]string{
	"netraven.auth.v1.TrustService.GetJwks":   "api serves it at /.well-known/jwks.json, where verifiers look for it",
	"netraven.gitstore.v1.CloneService.Fetch": "api serves it at /git/<repository>.git in git's own protocol",
	"netraven.hub.v1.LinkService.Enroll":      "agents call it on their own port, before they have a certificate",
}

// rpc is one RPC with its options.
type rpc struct {
	protoreflect.MethodDescriptor
	permission string
	callers    []string
	http       *annotations.HttpRule
}

// service is the service's short name: "job" for netraven.job.v1.RunService.
func (r rpc) service() string { return strings.Split(string(r.FullName()), ".")[1] }

// internal tells whether only services may call.
func (r rpc) internal() bool { return r.permission == "internal" }

func rpcs(t *testing.T) []rpc {
	t.Helper()
	var out []rpc
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(f.Package()), "netraven.") {
			return true
		}
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for j := range methods.Len() {
				out = append(out, newRPC(methods.Get(j)))
			}
		}
		return true
	})
	require.NotEmpty(t, out)
	return out
}

func newRPC(m protoreflect.MethodDescriptor) rpc {
	r := rpc{MethodDescriptor: m}
	r.permission, _ = proto.GetExtension(m.Options(), optionsv1.E_Permission).(string)
	r.callers, _ = proto.GetExtension(m.Options(), optionsv1.E_Callers).([]string)
	r.http, _ = proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	return r
}

var permissionStyle = regexp.MustCompile(`^[a-z]+\.[a-z_]+\.[a-z_]+$`)

func TestEveryRPCHasAPermission(t *testing.T) {
	for _, r := range rpcs(t) {
		switch r.permission {
		case "public", "authenticated", "internal":
		default:
			assert.Regexp(t, permissionStyle, r.permission, "%s: the option (netraven.options.v1.permission) is public, authenticated, internal or service.noun.verb", r.FullName())
			assert.Equal(t, r.service(), strings.Split(r.permission, ".")[0], "%s: a permission begins with the name of its service", r.FullName())
		}
	}
}

func TestInternalRPCsNameTheirCallers(t *testing.T) {
	for _, r := range rpcs(t) {
		assert.Equal(t, r.internal(), len(r.callers) > 0 && r.internal(), "%s is internal, so the option callers must name the services that call it", r.FullName())
	}
}

func TestCallsNeverGoUp(t *testing.T) {
	for _, r := range rpcs(t) {
		require.Contains(t, calls, r.service(), "%s: a new service needs its arrows in this test", r.FullName())
		for _, caller := range r.callers {
			require.Contains(t, calls, caller, "%s: there is no service %q", r.FullName(), caller)
			assert.Contains(t, calls[caller], r.service(), "%s: %s may not call %s; the one below never calls the one above", r.FullName(), caller, r.service())
		}
	}
	for from, targets := range calls {
		for _, to := range targets {
			assert.False(t, reaches(to, from), "%s -> %s closes a circle", from, to)
		}
	}
}

// reaches tells whether calls that start at from can come to target.
func reaches(from, target string) bool {
	return slices.ContainsFunc(calls[from], func(next string) bool { return next == target || reaches(next, target) })
}

func TestUserRPCsHaveARouteAndInternalOnesHaveNone(t *testing.T) {
	for _, r := range rpcs(t) {
		if _, ok := noREST[r.FullName()]; ok || r.internal() {
			assert.Nil(t, r.http, "%s is not for users of the REST interface: remove its google.api.http option", r.FullName())
			continue
		}
		assert.NotNil(t, r.http, "%s needs a google.api.http option: what gRPC can do, REST can do", r.FullName())
	}
}

// A route is /api/v1/noun[/{id}/noun...][:verb], snake_case.
var routeStyle = regexp.MustCompile(`^/api/v1(/[a-z_]+|/\{[a-z_]+(\.[a-z_]+)?\})+(:[a-z_]+)?$`)

func TestRoutesLookAlike(t *testing.T) {
	seen := map[string]protoreflect.FullName{}
	for _, r := range rpcs(t) {
		if r.http == nil {
			continue
		}
		verb, path := route(r.http)
		assert.Regexp(t, routeStyle, path, "%s", r.FullName())
		key := verb + " " + regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "{}")
		assert.Empty(t, seen[key], "%s and another RPC answer %s", r.FullName(), key)
		seen[key] = r.FullName()
		name := string(r.Name())
		switch {
		case strings.HasPrefix(name, "List"), strings.HasPrefix(name, "Get"), strings.HasPrefix(name, "Watch"), strings.HasPrefix(name, "Search"):
			assert.Equal(t, "get", verb, "%s reads, so it is a GET", r.FullName())
		case strings.HasPrefix(name, "Update"):
			assert.Equal(t, "patch", verb, "%s changes the fields sent, so it is a PATCH", r.FullName())
		case strings.HasPrefix(name, "Delete"):
			assert.Equal(t, "delete", verb, "%s", r.FullName())
		default:
			assert.Equal(t, "post", verb, "%s", r.FullName())
		}
	}
}

// route is the method, lower case, and the path of a mapping.
func route(rule *annotations.HttpRule) (verb, path string) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return "get", p.Get
	case *annotations.HttpRule_Post:
		return "post", p.Post
	case *annotations.HttpRule_Patch:
		return "patch", p.Patch
	case *annotations.HttpRule_Delete:
		return "delete", p.Delete
	case *annotations.HttpRule_Put:
		return "put", p.Put
	}
	return "", ""
}

func TestPublicMessagesHaveNo64BitIntegers(t *testing.T) {
	seen := map[protoreflect.FullName]bool{}
	for _, r := range rpcs(t) {
		if r.http != nil {
			no64Bit(t, r.Input(), seen)
			no64Bit(t, r.Output(), seen)
		}
	}
}

// no64Bit walks a message: JSON would print such an integer as text, and scripts would compare text.
func no64Bit(t *testing.T, m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	t.Helper()
	if seen[m.FullName()] || strings.HasPrefix(string(m.FullName()), "google.") {
		return
	}
	seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		switch f.Kind() {
		case protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.Sint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
			assert.Fail(t, "64-bit integer", "%s is reached from REST: use int32, double or a string", f.FullName())
		case protoreflect.MessageKind, protoreflect.GroupKind:
			no64Bit(t, f.Message(), seen)
		default:
		}
	}
}
