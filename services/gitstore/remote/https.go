package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
)

const (
	service = "git-receive-pack"
	// wholeRequest is up to where a request is sent with its length: some proxies know no other, and most pushes are small.
	wholeRequest = 1 << 20
)

// httpsWay is git's smart HTTP protocol: one request for the refs, one for the push.
type httpsWay struct {
	ctx    context.Context
	client *http.Client
	target Target
	bodies []io.Closer
	first  io.Reader
}

func openHTTPS(ctx context.Context, t Target, l Limits, w *watch) (*httpsWay, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM([]byte(t.CA)) {
			return nil, failed(Certificate, "ca holds no certificate in PEM form")
		}
	}
	h := &httpsWay{ctx: ctx, target: t, client: &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust, TLSHandshakeTimeout: l.Connect, DisableKeepAlives: false, ForceAttemptHTTP2: true,
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) { return w.dial(ctx, l, address) },
		},
		// A token goes to the server that it was given for, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	body, err := h.do(http.MethodGet, "/info/refs?service="+service, nil, "advertisement")
	if err != nil {
		h.close()
		return nil, err
	}
	if err := skipService(body); err != nil {
		h.close()
		return nil, err
	}
	h.first = body
	return h, nil
}

// skipService reads what stands before the refs: the name of the service, and the end of that part.
func skipService(body io.Reader) error {
	for {
		line, err := readPacket(body)
		if err != nil {
			return err
		}
		if line == nil {
			return nil
		}
		if string(bytes.TrimSpace(line)) != "# service="+service {
			return errProtocol
		}
	}
}

func (h *httpsWay) refs() io.Reader { return h.first }

func (h *httpsWay) send(request io.Reader) (io.Reader, error) {
	head, err := io.ReadAll(io.LimitReader(request, wholeRequest))
	if err != nil {
		return nil, err
	}
	var body io.Reader = bytes.NewReader(head)
	if len(head) == wholeRequest {
		body = io.MultiReader(body, request)
	}
	return h.do(http.MethodPost, "/"+service, body, "result")
}

func (h *httpsWay) do(method, path string, body io.Reader, kind string) (io.Reader, error) {
	req, err := http.NewRequestWithContext(h.ctx, method, "https://"+h.target.Address.Host+h.target.Address.Path+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", agent)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-"+service+"-request")
	}
	req.Header.Set("Accept", "application/x-"+service+"-"+kind)
	if !h.target.Password.Empty() {
		req.SetBasicAuth(h.target.user(), h.target.Password.Reveal())
	}
	resp, err := h.client.Do(req) //nolint:bodyclose // close does
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok { // whose text is the address once more
			err = wrapped.Err
		}
		return nil, err
	}
	h.bodies = append(h.bodies, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return nil, h.refused(resp)
	}
	if resp.Header.Get("Content-Type") != "application/x-"+service+"-"+kind {
		return nil, failed(Refused, "%s answers, but not as a git server: is the path right?", h.target.Address.Host)
	}
	return resp.Body, nil
}

// refused is what an answer that is none means.
func (h *httpsWay) refused(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4*maxWords))
	said := ""
	if kind := resp.Header.Get("Content-Type"); len(kind) >= 10 && kind[:10] == "text/plain" && len(text) > 0 {
		said = "; it says: " + h.target.words(string(text))
	}
	host := h.target.Address.Host
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized && h.target.Password.Empty():
		return failed(Auth, "%s asks for a user name and a password or token, and none is set%s", host, said)
	case code == http.StatusUnauthorized:
		return failed(Auth, "%s does not take the user name and the password or token%s", host, said)
	case code == http.StatusForbidden:
		return failed(Auth, "%s does not let this user push: the token needs the right to write to the repository%s", host, said)
	case code == http.StatusNotFound || code == http.StatusGone:
		return failed(NotFound, "%s has no such repository, or none that this user may see; it must be made there first%s", host, said)
	case code >= 300 && code < 400:
		return failed(Moved, "%s says that the repository is elsewhere (%s); change the url if that is right", host, h.target.words(resp.Header.Get("Location")))
	case code >= 500 || code == http.StatusTooManyRequests:
		return failed(Unreachable, "%s answers that it cannot right now (HTTP %d)%s", host, code, said)
	default:
		return failed(Refused, "%s refuses the push (HTTP %d)%s", host, code, said)
	}
}

func (h *httpsWay) said() string { return "" }

func (h *httpsWay) close() {
	for _, b := range h.bodies {
		_ = b.Close()
	}
	h.client.CloseIdleConnections()
}
