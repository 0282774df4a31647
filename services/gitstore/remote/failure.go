package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Why a push failed. They are part of the API.
const (
	// Diverged: the server's branch has commits that ours lacks.
	Diverged = "REMOTE_DIVERGED"
	// Auth: the server does not take the secret, or it may not write.
	Auth = "REMOTE_AUTH"
	// NotFound: there is no such repository, or none that the secret may see.
	NotFound = "REMOTE_NOT_FOUND"
	// Moved: the server says that the repository is elsewhere.
	Moved = "REMOTE_MOVED"
	// HostKey: the SSH server is not the one whose key is known.
	HostKey = "REMOTE_HOST_KEY"
	// Certificate: the HTTPS server's certificate is not trusted.
	Certificate = "REMOTE_CERTIFICATE"
	// Refused: the server took the connection and not the push; its words say why.
	Refused = "REMOTE_REFUSED"
	// Unreachable: no connection, or it broke.
	Unreachable = "REMOTE_UNREACHABLE"
	// Timeout: the server stopped answering, or the push took too long.
	Timeout = "REMOTE_TIMEOUT"
	// Local: what should be pushed cannot be read here.
	Local = "REMOTE_NOT_READ"
)

// Failure is why a push did not happen.
type Failure struct {
	Reason string
	// Message is for people: what is wrong, and what to do about it.
	Message string
	cause   error
}

// Error is for logs.
func (f *Failure) Error() string {
	if f.cause == nil {
		return f.Reason + ": " + f.Message
	}
	return f.Reason + ": " + f.Message + ": " + f.cause.Error()
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.cause }

// NeedsPerson tells failures that pass only when somebody does something about them.
func (f *Failure) NeedsPerson() bool {
	switch f.Reason {
	case Diverged, Auth, NotFound, Moved, HostKey, Certificate:
		return true
	}
	return false
}

func failed(reason, format string, args ...any) *Failure {
	return &Failure{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

func (f *Failure) because(cause error) *Failure {
	f.cause = cause
	return f
}

// broken is what an error on the way to the server means.
func broken(ctx context.Context, host string, err error) error {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errIdle):
		return failed(Timeout, "%s stopped answering in the middle of the push", host).because(err)
	case errors.Is(cause, context.DeadlineExceeded):
		return failed(Timeout, "the push to %s took too long and was ended", host).because(err)
	case cause != nil:
		return cause
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return failed(Certificate, "the certificate of %s is not trusted (%s); give its authority as ca, or have the server's mended", host, certificateFault(err)).because(err)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return failed(Unreachable, "%s does not speak TLS at this port", host).because(err)
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return failed(Timeout, "%s does not answer", host).because(err)
	}
	return failed(Unreachable, "%s cannot be reached: %s", host, connectionFault(err)).because(err)
}

// connectionFault says in our words what is wrong with a connection.
func connectionFault(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "its name is not known here"
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses connections at this port"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to it"
	}
	return "the connection broke"
}

// certificateFault says in our words what is wrong with a certificate.
func certificateFault(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "no authority that is known here signed it"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "it is for another name"
	}
	if f, ok := errors.AsType[x509.CertificateInvalidError](err); ok && f.Reason == x509.Expired {
		return "it has expired, or is not valid yet"
	}
	return "it cannot be verified"
}
