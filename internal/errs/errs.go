// Package errs has the one error type that may leave a service. An Error carries a gRPC code, a stable machine reason, a message
// for people, details about fields, and the cause, which is logged and never sent. The server interceptor of package grpcx is the
// only exit: it sends typed errors as they are and turns everything else into "internal error" with a trace id.
package errs

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Domain names these errors among the ErrorInfo details of a status.
const Domain = "netraven"

// ReasonInternal is the reason of every error that is not typed.
const ReasonInternal = "INTERNAL"

// Error is an error that a caller may see.
type Error struct {
	code    codes.Code
	reason  string
	message string
	details []Detail
	cause   error
}

// Detail says what is wrong with one field of a request.
type Detail struct {
	// Field is the request's field, dotted: device.address.
	Field string
	// Reason is a stable UPPER_SNAKE word.
	Reason string
	// Message says what is wrong and what to do.
	Message string
}

// New makes an error. The message is for people: format it from names and values the caller may see, never from another error.
func New(code codes.Code, reason, format string, args ...any) *Error {
	return &Error{code: code, reason: reason, message: fmt.Sprintf(format, args...)}
}

// Invalid is INVALID_ARGUMENT/FIELD_INVALID with one detail.
func Invalid(field, reason, message string) *Error {
	return New(codes.InvalidArgument, "FIELD_INVALID", "%s: %s", field, message).Field(field, reason, message)
}

// NotFound is NOT_FOUND/<NOUN>_NOT_FOUND. The noun is written as people say it: "device", "host key".
func NotFound(noun, id string) *Error {
	reason := strings.ToUpper(strings.ReplaceAll(noun, " ", "_")) + "_NOT_FOUND"
	return New(codes.NotFound, reason, "there is no %s %q", noun, id)
}

// Internal hides a cause behind "internal error".
func Internal(cause error) *Error {
	return New(codes.Internal, ReasonInternal, "internal error").Wrap(cause)
}

// Wrap returns a copy with the cause set. The cause is logged, never sent.
func (e *Error) Wrap(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Field returns a copy with one more detail.
func (e *Error) Field(field, reason, message string) *Error {
	c := *e
	c.details = append(append([]Detail(nil), e.details...), Detail{Field: field, Reason: reason, Message: message})
	return &c
}

// Error is for logs: it shows the cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.reason + ": " + e.message
	}
	return e.reason + ": " + e.message + ": " + e.cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Message is what people read.
func (e *Error) Message() string { return e.message }

// Details says what is wrong with which field.
func (e *Error) Details() []Detail { return e.details }

// Status is the error as it crosses the wire; the cause is not in it.
func (e *Error) Status() *status.Status {
	st := status.New(e.code, e.message)
	info := &errdetails.ErrorInfo{Reason: e.reason, Domain: Domain}
	bad := &errdetails.BadRequest{}
	for _, d := range e.details {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: d.Field, Reason: d.Reason, Description: d.Message,
		})
	}
	var withDetails *status.Status
	var err error
	if len(bad.FieldViolations) > 0 {
		withDetails, err = st.WithDetails(info, bad)
	} else {
		withDetails, err = st.WithDetails(info)
	}
	if err != nil { // details of an OK status; cannot happen with our codes
		return st
	}
	return withDetails
}

// From finds the typed error in err: one made here, or one that came over the wire. Anything else is Internal with err as cause.
// From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if typed, ok := errors.AsType[*Error](err); ok {
		return typed
	}
	if st, ok := status.FromError(err); ok {
		return fromStatus(st, err)
	}
	return Internal(err)
}

func fromStatus(st *status.Status, cause error) *Error {
	e := &Error{code: st.Code(), message: st.Message(), cause: cause}
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == Domain {
				e.reason = d.GetReason()
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				e.details = append(e.details, Detail{Field: v.GetField(), Reason: v.GetReason(), Message: v.GetDescription()})
			}
		}
	}
	if e.reason != "" {
		return e
	}
	return untyped(st, cause)
}

// untyped gives gRPC's own errors (a neighbour is away, a deadline passed) a reason and words of ours; the library's text, which
// may name addresses and code, stays in the cause.
func untyped(st *status.Status, cause error) *Error {
	switch st.Code() {
	case codes.Canceled:
		return New(codes.Canceled, "CANCELLED", "the call was cancelled").Wrap(cause)
	case codes.DeadlineExceeded:
		return New(codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "the call took too long; try again").Wrap(cause)
	case codes.Unavailable:
		return New(codes.Unavailable, "SERVICE_UNAVAILABLE", "a part of NetRaven is not reachable right now; try again").Wrap(cause)
	case codes.Unimplemented:
		return New(codes.Unimplemented, "NOT_IMPLEMENTED", "this server does not know that call").Wrap(cause)
	case codes.ResourceExhausted:
		return New(codes.ResourceExhausted, "RESOURCE_EXHAUSTED", "too much at once; try again later or ask for less").Wrap(cause)
	default:
		return Internal(cause)
	}
}

// Reason is the stable reason of err, on both sides of the wire; "" for nil.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	return From(err).reason
}

// Code is the gRPC code of err, on both sides of the wire; OK for nil.
func Code(err error) codes.Code {
	if err == nil {
		return codes.OK
	}
	return From(err).code
}
