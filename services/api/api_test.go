package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/services/api"
)

// odd is what a device can have in a configuration: it must come through byte for byte.
const odd = "hostname r1\r\n\x1b[31m\x00\xff no line end"

// backend is every service that the tests need, behind one connection.
type backend struct {
	inventoryv1.UnimplementedDeviceServiceServer
	gitstorev1.UnimplementedRevisionServiceServer
	jobv1.UnimplementedRunServiceServer
	authv1.UnimplementedTrustServiceServer
	imported *inventoryv1.ImportDevicesRequest
	created  *inventoryv1.Device
	patched  *inventoryv1.UpdateDeviceRequest
	format   string
}

func (b *backend) Register(r grpc.ServiceRegistrar) {
	inventoryv1.RegisterDeviceServiceServer(r, b)
	gitstorev1.RegisterRevisionServiceServer(r, b)
	jobv1.RegisterRunServiceServer(r, b)
	authv1.RegisterTrustServiceServer(r, b)
}

func (b *backend) ImportDevices(_ context.Context, in *inventoryv1.ImportDevicesRequest) (*inventoryv1.ImportDevicesResponse, error) {
	b.imported = in
	return &inventoryv1.ImportDevicesResponse{Created: 1}, nil
}

func (b *backend) CreateDevice(_ context.Context, in *inventoryv1.CreateDeviceRequest) (*inventoryv1.Device, error) {
	b.created = in.GetDevice()
	return in.GetDevice(), nil
}

func (b *backend) UpdateDevice(_ context.Context, in *inventoryv1.UpdateDeviceRequest) (*inventoryv1.Device, error) {
	b.patched = in
	return in.GetDevice(), nil
}

func (b *backend) GetDevice(context.Context, *inventoryv1.GetDeviceRequest) (*inventoryv1.Device, error) {
	return nil, errs.Invalid("device.port", "OUT_OF_RANGE", "must be 1 to 65535")
}

func (b *backend) DeleteDevice(context.Context, *inventoryv1.DeleteDeviceRequest) (*emptypb.Empty, error) {
	panic("device text: hunter2")
}

func (b *backend) GetContent(context.Context, *gitstorev1.GetContentRequest) (*httpbody.HttpBody, error) {
	return &httpbody.HttpBody{ContentType: "text/plain; charset=utf-8", Data: []byte(odd)}, nil
}

func (b *backend) GetDiff(_ context.Context, in *gitstorev1.GetDiffRequest) (*httpbody.HttpBody, error) {
	b.format = in.GetFormat()
	return &httpbody.HttpBody{ContentType: "text/plain", Data: []byte("-a\n+b\n")}, nil
}

func (b *backend) WatchRun(in *jobv1.WatchRunRequest, out grpc.ServerStreamingServer[jobv1.RunEvent]) error {
	if in.GetId() == "missing" {
		return errs.NotFound("run", "missing")
	}
	for _, state := range []jobv1.Run_State{jobv1.Run_RUNNING, jobv1.Run_SUCCEEDED} {
		if err := out.Send(&jobv1.RunEvent{Run: &jobv1.Run{Id: "r", State: state}}); err != nil {
			return err
		}
		if in.GetId() == "broken" {
			return errs.NotFound("run", "broken")
		}
	}
	return nil
}

func (b *backend) GetJwks(context.Context, *authv1.GetJwksRequest) (*authv1.Jwks, error) {
	return &authv1.Jwks{Keys: []*authv1.Jwks_Key{{Kty: "OKP", Kid: "k"}}}, nil
}

func serve(t *testing.T) (*httptest.Server, *backend) {
	t.Helper()
	b := &backend{}
	conn := grpctest.Serve(t, "api", &authn.Principal{UserID: "1", Permissions: []string{"*"}}, b)
	s, err := api.New(api.Deps{Auth: conn, Vault: conn, Inventory: conn, Job: conn, Scheduler: conn, Gitstore: conn, Hub: conn})
	require.NoError(t, err)
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return server, b
}

func call(t *testing.T, s *httptest.Server, method, path, body, accept string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(b)
}

func TestContentsComeThroughByteForByte(t *testing.T) {
	s, _ := serve(t)
	for _, accept := range []string{"", "text/plain", "application/octet-stream"} {
		resp, body := call(t, s, "GET", "/api/v1/revisions/x/content", "", accept)
		require.Equal(t, 200, resp.StatusCode)
		require.Equal(t, odd, body)
		require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"), "device text is never taken for a page")
	}
}

func TestADiffIsTextUnlessJSONIsAskedFor(t *testing.T) {
	s, b := serve(t)
	call(t, s, "GET", "/api/v1/diff?from=a&to=b", "", "")
	require.Empty(t, b.format)
	call(t, s, "GET", "/api/v1/diff?from=a&to=b", "", "application/json")
	require.Equal(t, "json", b.format)
	call(t, s, "GET", "/api/v1/diff?from=a&to=b&format=text", "", "application/json")
	require.Equal(t, "text", b.format)
}

func TestAnImportIsTheRawBody(t *testing.T) {
	s, b := serve(t)
	resp, _ := call(t, s, "POST", "/api/v1/devices:import?format=csv&dry_run=true", "name,address\n", "")
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "name,address\n", string(b.imported.GetData()))
	require.True(t, b.imported.GetDryRun())
	resp, body := call(t, s, "POST", "/api/v1/devices:import?dry_run=maybe", "", "")
	require.Equal(t, 400, resp.StatusCode)
	require.Contains(t, body, `"dry_run"`)
}

func TestEveryFieldIsPresentAndUnknownOnesAreRefused(t *testing.T) {
	s, b := serve(t)
	resp, body := call(t, s, "POST", "/api/v1/devices", `{"name":"r1"}`, "")
	require.Equal(t, 200, resp.StatusCode)
	require.Nil(t, b.created.Enabled, "unset is not false")
	var device map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &device))
	for _, field := range []string{"site_id", "tags", "last_seen_at", "port"} {
		require.Contains(t, device, field)
	}
	resp, body = call(t, s, "POST", "/api/v1/devices", `{"name":"r1","colour":"red"}`, "")
	require.Equal(t, 400, resp.StatusCode)
	require.Contains(t, body, "colour")
	resp, _ = call(t, s, "PATCH", "/api/v1/devices/7", `{"address":"a","ssh":{"legacy":true}}`, "")
	require.Equal(t, 200, resp.StatusCode)
	require.ElementsMatch(t, []string{"address", "ssh.legacy"}, b.patched.GetUpdateMask().GetPaths())
	require.Equal(t, "7", b.patched.GetDevice().GetId())
}

func TestErrorsHaveOneShape(t *testing.T) {
	s, _ := serve(t)
	for _, c := range []struct {
		method, path, body, reason string
		status                     int
	}{
		{"GET", "/api/v1/devices/x", "", "FIELD_INVALID", 400},
		{"GET", "/api/v1/nothing", "", "PATH_NOT_FOUND", 404},
		{"GET", "/nothing", "", "PATH_NOT_FOUND", 404},
		{"PUT", "/api/v1/devices", "", "METHOD_NOT_ALLOWED", 405},
		{"POST", "/api/v1/devices", "{", "BODY_INVALID", 400},
		{"DELETE", "/api/v1/devices/x", "", "INTERNAL", 500},
		{"GET", "/api/v1/users", "", "NOT_IMPLEMENTED", 501},
	} {
		resp, body := call(t, s, c.method, c.path, c.body, "")
		require.Equal(t, c.status, resp.StatusCode, "%s %s: %s", c.method, c.path, body)
		var p struct {
			Code, Reason, Message string
			Details               []map[string]string
			TraceID               string `json:"trace_id"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &p), body)
		require.Equal(t, c.reason, p.Reason, body)
		require.NotEmpty(t, p.Code)
		require.NotEmpty(t, p.Message)
		require.NotNil(t, p.Details)
		require.Equal(t, resp.Header.Get("X-Trace-Id"), p.TraceID)
		require.NotContains(t, body, "hunter2")
		if c.reason == "FIELD_INVALID" {
			require.Equal(t, "device.port", p.Details[0]["field"])
		}
		if c.status == 500 {
			require.Contains(t, p.Message, p.TraceID, "the log has it under the same id")
		}
	}
}

func TestUnreadableRequestsNameTheField(t *testing.T) {
	s, _ := serve(t)
	for _, c := range []struct{ method, path, body, reason, field string }{
		{"POST", "/api/v1/devices", `{"name":"r1","colour":"red"}`, "BODY_INVALID", "colour"},
		{"POST", "/api/v1/devices", `{"name":1}`, "BODY_INVALID", "name"},
		{"POST", "/api/v1/devices", `{"site_id":[]}`, "BODY_INVALID", "site_id"},
		{"POST", "/api/v1/devices", `{"port":99999999999}`, "BODY_INVALID", "port"},
		{"POST", "/api/v1/devices", `{"name":"a","name":"b"}`, "BODY_INVALID", "name"},
		{"POST", "/api/v1/devices", `{"name":"a"} {"name":"b"}`, "BODY_INVALID", ""},
		{"POST", "/api/v1/devices", "{\"name\":\"\xff\"}", "BODY_INVALID", ""},
		{"POST", "/api/v1/devices", "null", "BODY_INVALID", ""},
		{"GET", "/api/v1/devices?page_size=many", "", "BODY_INVALID", "page_size"},
		{"GET", "/api/v1/runs/r/tasks?state=GONE", "", "BODY_INVALID", "state"},
		{"GET", "/api/v1/devices?name=%ff", "", "FIELD_INVALID", "name"},
		{"GET", "/api/v1/devices?a;b", "", "QUERY_INVALID", ""},
		{"GET", "/api/v1/devices/%ff", "", "PATH_INVALID", ""},
	} {
		resp, body := call(t, s, c.method, c.path, c.body, "")
		require.Equal(t, 400, resp.StatusCode, body)
		var p struct {
			Reason, Message string
			Details         []struct{ Field string }
		}
		require.NoError(t, json.Unmarshal([]byte(body), &p), body)
		require.Equal(t, c.reason, p.Reason, body)
		if c.field == "" {
			require.Empty(t, p.Details, body)
		} else {
			require.Equal(t, c.field, p.Details[0].Field, body)
		}
		for _, jargon := range []string{"proto", "strconv", "json:", "rpc error"} {
			require.NotContains(t, body, jargon)
		}
	}
}

func TestAPatchOfNothingChangesNothing(t *testing.T) {
	s, b := serve(t)
	for _, body := range []string{"", "{}", " { } "} {
		b.patched = nil
		resp, answer := call(t, s, "PATCH", "/api/v1/devices/7", body, "")
		require.Equal(t, 200, resp.StatusCode, answer)
		require.Empty(t, b.patched.GetUpdateMask().GetPaths())
		require.Equal(t, "7", b.patched.GetDevice().GetId())
	}
}

func TestStreamsAreLinesOrEvents(t *testing.T) {
	s, _ := serve(t)
	resp, body := call(t, s, "GET", "/api/v1/runs/r/events", "", "")
	require.Equal(t, 200, resp.StatusCode)
	lines := bufio.NewScanner(strings.NewReader(body))
	var states []string
	for lines.Scan() {
		var line struct {
			Result struct{ Run struct{ State string } }
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line), lines.Text())
		states = append(states, line.Result.Run.State)
	}
	require.Equal(t, []string{"RUNNING", "SUCCEEDED"}, states)

	resp, body = call(t, s, "GET", "/api/v1/runs/r/events", "", "text/event-stream, */*;q=0.1")
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	events := strings.Split(strings.TrimSpace(body), "\n\n")
	require.Len(t, events, 2)
	for _, e := range events {
		data, ok := strings.CutPrefix(e, "data: ")
		require.True(t, ok, e)
		require.True(t, json.Valid([]byte(data)), data)
	}
}

func TestStreamsFailInTheOneShape(t *testing.T) {
	s, _ := serve(t)
	for _, accept := range []string{"", "text/event-stream"} {
		resp, body := call(t, s, "GET", "/api/v1/runs/missing/events", "", accept)
		require.Equal(t, 404, resp.StatusCode)
		require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
		var p struct {
			Reason  string
			TraceID string `json:"trace_id"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &p), body)
		require.Equal(t, "RUN_NOT_FOUND", p.Reason)
		require.Equal(t, resp.Header.Get("X-Trace-Id"), p.TraceID)

		resp, body = call(t, s, "GET", "/api/v1/runs/broken/events", "", accept)
		require.Equal(t, 200, resp.StatusCode)
		lines := strings.Fields(strings.ReplaceAll(body, "data: ", ""))
		require.Contains(t, lines[0], `{"result":`)
		require.Contains(t, strings.Join(lines[1:], " "), `{"error":{"code":"NOT_FOUND","reason":"RUN_NOT_FOUND"`)
		require.Equal(t, accept != "", strings.Contains(body, "\n\ndata: {\"error\""))
	}
}

func TestPublicDocuments(t *testing.T) {
	s, _ := serve(t)
	resp, body := call(t, s, "GET", "/api/openapi.json", "", "")
	require.Equal(t, 200, resp.StatusCode)
	require.True(t, json.Valid([]byte(body)))
	resp, body = call(t, s, "GET", "/.well-known/jwks.json", "", "")
	require.Equal(t, 200, resp.StatusCode)
	require.Contains(t, body, `"kid"`)
}
