package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
)

// problem is the one shape of every answer of the API that is not a success.
type problem struct {
	Code    string `json:"code"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Details []struct {
		Field   string `json:"field"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"details"`
	TraceID string `json:"trace_id"`

	status int
	hint   string
}

func (p *problem) Error() string { return p.Message }

// problemOf reads an answer that is not a success.
func (c *client) problemOf(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return c.unreachable(err)
	}
	p := &problem{status: resp.StatusCode}
	if json.Unmarshal(body, p) != nil || p.Code == "" {
		if strings.Contains(string(body), "HTTPS server") {
			return fmt.Errorf("the server at %s speaks HTTPS; use --server https://%s", c.base, c.base.Host)
		}
		return fmt.Errorf("%s did not answer like a NetRaven server (HTTP status %d). Check --server; is there a proxy between?", c.base, resp.StatusCode)
	}
	switch {
	case p.Reason == "PASSWORD_CHANGE_REQUIRED":
		p.hint = "Choose your own password first: netraven password"
	case p.Code == "UNAUTHENTICATED" && p.Reason != "WRONG_CREDENTIALS":
		p.hint = "Sign in with: netraven login"
		if c.base.String() != defaultServer {
			p.hint += " --server " + c.base.String()
		}
	}
	return p
}

// hasReason tells whether err is the API's answer with that reason.
func hasReason(err error, reason string) bool {
	var p *problem
	return errors.As(err, &p) && p.Reason == reason
}

// hasStatus tells whether err is the API's answer with one of these HTTP statuses.
func hasStatus(err error, status ...int) bool {
	var p *problem
	return errors.As(err, &p) && slices.Contains(status, p.status)
}

// unreachable says what kept an answer from coming, and what to try.
func (c *client) unreachable(err error) error {
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	at := "the server at " + c.base.String()
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &unknown):
		return fmt.Errorf("the certificate of %s is signed by an authority this machine does not know. Pass that authority's certificate with --ca FILE", at)
	case errors.As(err, &host):
		return fmt.Errorf("the certificate of %s is for other names: %s", at, safe(host.Error()))
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s speaks plain HTTP; use --server http://%s", at, c.base.Host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s cannot be reached: nothing listens there. Start it with netraven serve, or name another with --server or NETRAVEN_SERVER", at)
	case errors.As(err, &dns):
		return fmt.Errorf("%s cannot be reached: the name %s is not known. Check --server or NETRAVEN_SERVER", at, safe(dns.Name))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s cannot be reached: no answer in time. Check --server or NETRAVEN_SERVER, and firewalls between", at)
	}
	return fmt.Errorf("%s cannot be reached: %s. Check --server or NETRAVEN_SERVER", at, safe(err.Error()))
}

// printError writes an error for people: what, which fields, what to do, and the trace id that the server's log knows.
func printError(w io.Writer, err error) {
	var p *problem
	if !errors.As(err, &p) {
		fmt.Fprintf(w, "error: %s\n", safeLines(err.Error()))
		return
	}
	fmt.Fprintf(w, "error: %s\n", safeLines(err.Error()))
	for _, d := range p.Details {
		fmt.Fprintf(w, "  %s: %s (%s)\n", safe(d.Field), safe(d.Message), safe(d.Reason))
	}
	if p.hint != "" {
		fmt.Fprintln(w, p.hint)
	}
	fmt.Fprintf(w, "%s/%s", safe(p.Code), safe(p.Reason))
	if p.TraceID != "" {
		fmt.Fprintf(w, ", trace id %s", safe(p.TraceID))
	}
	fmt.Fprintln(w)
}
