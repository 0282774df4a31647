package stage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const (
	callTime = time.Minute
	maxEvent = 16 << 20
	api      = "/api/v1"
)

// Client talks to a server by REST, as a script would. An answer with a field that the contract does not know is an error.
type Client struct {
	base, token string
	http        *http.Client
}

// NewClient makes a client of the server at an HTTP address. It does not connect.
func NewClient(addr string) *Client {
	return &Client{base: "http://" + addr, http: &http.Client{}}
}

// Ready answers nil once /readyz does.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodGet, "/readyz", "", nil)
	return err
}

// Login signs in; later calls are made as this user. It tells whether the password must be changed first.
func (c *Client) Login(ctx context.Context, user, password string) (mustChange bool, err error) {
	var t authv1.TokenPair
	if err := c.Call(ctx, http.MethodPost, "/auth/login", &authv1.LoginRequest{Username: user, Password: password}, &t); err != nil {
		return false, err
	}
	c.token = t.GetAccessToken()
	return t.GetMustChangePassword(), nil
}

// ChangePassword replaces the password of the user who is signed in.
func (c *Client) ChangePassword(ctx context.Context, current, next string) error {
	var t authv1.TokenPair
	if err := c.Call(ctx, http.MethodPost, "/auth/password", &authv1.ChangePasswordRequest{CurrentPassword: current, NewPassword: next}, &t); err != nil {
		return err
	}
	c.token = t.GetAccessToken()
	return nil
}

// Call sends in (nil: no body) to a path below /api/v1 and reads the answer into out (nil: nowhere).
func (c *Client) Call(ctx context.Context, method, path string, in, out proto.Message) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = (protojson.MarshalOptions{UseProtoNames: true}).Marshal(in); err != nil {
			return err
		}
	}
	answer, err := c.do(ctx, method, api+path, "application/json", body)
	if err != nil || out == nil {
		return err
	}
	if err := protojson.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s answered what the contract does not say: %w", method, path, err)
	}
	return nil
}

// Text answers the exact bytes of a path below /api/v1.
func (c *Client) Text(ctx context.Context, path string) (string, error) {
	b, err := c.do(ctx, http.MethodGet, api+path, "", nil)
	return string(b), err
}

// Upload sends a file as it is and reads the answer into out.
func (c *Client) Upload(ctx context.Context, path string, file []byte, out proto.Message) error {
	answer, err := c.do(ctx, http.MethodPost, api+path, "text/csv", file)
	if err != nil {
		return err
	}
	return protojson.Unmarshal(answer, out)
}

func (c *Client) do(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	resp, err := c.send(ctx, method, path, map[string]string{"Content-Type": contentType}, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(resp.Body)
}

func (c *Client) send(ctx context.Context, method, path string, header map[string]string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range header {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }()
		return nil, refusal(method+" "+path, resp)
	}
	return resp, nil
}

// refusal is the error that an answer other than 200 stands for.
func refusal(what string, resp *http.Response) error {
	var e struct {
		Reason, Message string
		TraceID         string `json:"trace_id"`
		Details         []struct{ Field, Message string }
	}
	if json.NewDecoder(resp.Body).Decode(&e) != nil || e.Reason == "" {
		return fmt.Errorf("%s answered %s", what, resp.Status)
	}
	text := fmt.Sprintf("%s answered %d %s: %s", what, resp.StatusCode, e.Reason, e.Message)
	for _, d := range e.Details {
		text += fmt.Sprintf("; %s: %s", d.Field, d.Message)
	}
	return fmt.Errorf("%s (trace %s)", text, e.TraceID)
}

// Watch follows a run's event stream and blocks until it ends.
func (c *Client) Watch(ctx context.Context, run string, each func(*jobv1.RunEvent)) error {
	resp, err := c.send(ctx, http.MethodGet, api+"/runs/"+run+"/events", map[string]string{"Accept": "text/event-stream"}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		event, err := parseEvent([]byte(data))
		if err != nil {
			return err
		}
		each(event)
	}
	return lines.Err()
}

func parseEvent(data []byte) (*jobv1.RunEvent, error) {
	var frame struct {
		Result json.RawMessage
		Error  *struct{ Message string }
	}
	if err := json.Unmarshal(data, &frame); err != nil {
		return nil, fmt.Errorf("the event stream says %q: %w", data, err)
	}
	if frame.Error != nil {
		return nil, errors.New("the event stream broke off: " + frame.Error.Message)
	}
	event := &jobv1.RunEvent{}
	return event, protojson.Unmarshal(frame.Result, event)
}
