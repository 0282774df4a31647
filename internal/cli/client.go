package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	// answerTimeout is longer than any single answer may take; an import of 50,000 devices is the slowest.
	answerTimeout = 2 * time.Minute
	// maxAnswer bounds what is read of one answer: a page of 1,000 rows is a few megabytes, a config at most tens.
	maxAnswer = 256 << 20
)

// client speaks REST to one server. It is not for use by several goroutines at once.
type client struct {
	base    *url.URL
	http    *http.Client
	session *session
}

func parseServer(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(strings.TrimRight(s, "/"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q is not the address of a server; it looks like %s", safe(s), defaultServer)
	}
	return u, nil
}

func newClient(base *url.URL, caFile string) (*client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = answerTimeout // a stream's headers come at once; without this a dead server would be waited for for ever
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", caFile)
		}
	}
	return &client{base: base, http: &http.Client{
		Transport: transport,
		// Nothing in the API redirects; a redirect is another program's, and must not see a token.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// request is one call, kept so that it can be sent again after a refresh.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	contentType  string
	accept       string
	anonymous    bool
}

// get reads one object into m (nil: nobody needs it typed) and answers its JSON as it came.
func (c *client) get(ctx context.Context, path string, query url.Values, m proto.Message) (json.RawMessage, error) {
	return c.object(ctx, request{method: http.MethodGet, path: path, query: query}, m)
}

// post sends body as JSON; a nil body is the empty object.
func (c *client) post(ctx context.Context, path string, body fieldMap, m proto.Message) (json.RawMessage, error) {
	return c.send(ctx, http.MethodPost, path, body, m)
}

// patch changes exactly the fields of body.
func (c *client) patch(ctx context.Context, path string, body fieldMap, m proto.Message) (json.RawMessage, error) {
	return c.send(ctx, http.MethodPatch, path, body, m)
}

func (c *client) delete(ctx context.Context, path string) error {
	_, err := c.object(ctx, request{method: http.MethodDelete, path: path}, nil)
	return err
}

func (c *client) send(ctx context.Context, method, path string, body fieldMap, m proto.Message) (json.RawMessage, error) {
	if body == nil {
		body = fieldMap{}
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return c.object(ctx, request{method: method, path: path, body: b, contentType: "application/json"}, m)
}

// object does a call whose answer is one JSON object.
func (c *client) object(ctx context.Context, r request, m proto.Message) (json.RawMessage, error) {
	r.accept = "application/json"
	raw, err := c.bytes(ctx, r)
	if err != nil || m == nil {
		return raw, err
	}
	if err := decode(raw, m); err != nil {
		return nil, fmt.Errorf("the server at %s answered something this netraven cannot read; are their versions far apart? %w", c.base, err)
	}
	return raw, nil
}

func decode(raw []byte, m proto.Message) error {
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(raw, m)
}

// bytes does a call and answers the whole body.
func (c *client) bytes(ctx context.Context, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTimeout, errors.New("no answer in time"))
	defer cancel()
	resp, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, c.unreachable(err)
	}
	if len(b) > maxAnswer {
		return nil, fmt.Errorf("the answer has more than %d MiB", maxAnswer>>20)
	}
	return b, nil
}

// do sends a request with the session's token, once more after a refresh if the token is not taken, and turns every answer that is not 200 into
// an error. The caller closes the body.
func (c *client) do(ctx context.Context, r request) (*http.Response, error) {
	token := ""
	if !r.anonymous {
		var err error
		if token, err = c.session.access(ctx); err != nil {
			return nil, err
		}
	}
	resp, err := c.once(ctx, r, token)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || r.anonymous {
		return c.checked(resp, err)
	}
	renewed, err := c.session.renew(ctx, token)
	if err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	if renewed == "" { // nothing to refresh with: the server's own sentence is the answer
		return c.checked(resp, nil)
	}
	_ = resp.Body.Close()
	return c.checked(c.once(ctx, r, renewed))
}

func (c *client) once(ctx context.Context, r request, token string) (*http.Response, error) {
	// The path is kept as it is written: ids are escaped by whoever puts them in.
	u := c.base.String() + r.path
	if len(r.query) > 0 {
		u += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", r.accept)
	req.Header.Set("User-Agent", "netraven/"+version())
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return c.http.Do(req)
}

func (c *client) checked(resp *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, c.unreachable(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	return nil, c.problemOf(resp)
}
