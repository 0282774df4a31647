package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
)

// strictJSON reads bodies that are exactly one JSON value: what follows it was meant for something, and is not silently dropped.
type strictJSON struct{ *runtime.JSONPb }

var errNotJSON = errors.New("the body is not one JSON value")

// NewDecoder reads one value; an empty body is io.EOF, which the gateway takes as "no fields".
func (s *strictJSON) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		body, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(body)) == 0 {
			return io.EOF
		}
		if !json.Valid(body) {
			return errNotJSON
		}
		return s.Unmarshal(body, v)
	})
}

// noChange makes a PATCH of {} what it says, a change of no field: the gateway would name one field, with an empty name.
func noChange(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				writeProblem(r.Context(), w, fromGateway(err), http.StatusBadRequest)
				return
			}
			if inner, ok := bytes.CutPrefix(bytes.TrimSpace(body), []byte("{")); ok && string(bytes.TrimSpace(inner)) == "}" {
				body = nil
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		next.ServeHTTP(w, r)
	})
}

// readable refuses paths and queries that are no text: no name, id or filter can hold such bytes.
func readable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkText(r.URL); err != nil {
			writeProblem(r.Context(), w, err, http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func checkText(u *url.URL) *errs.Error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errs.New(codes.InvalidArgument, "QUERY_INVALID", "the query cannot be read: %s", err)
	}
	if !utf8.ValidString(u.Path) {
		return errs.New(codes.InvalidArgument, "PATH_INVALID", "the path is not UTF-8 text")
	}
	for name, values := range query {
		for _, v := range append(values, name) {
			if !utf8.ValidString(v) {
				return errs.Invalid(strings.ToValidUTF8(name, "?"), "NOT_TEXT", "must be UTF-8 text")
			}
		}
	}
	return nil
}

var (
	// protojson says "proto: (line 1:9): invalid value for int32 field maxSessions: 1e99", with a space after "proto:" that is no-break in half of all builds.
	position  = regexp.MustCompile(`^proto:[\s\x{a0}]+(?:syntax error )?(?:\((line \d+:\d+)\): )?`)
	inBody    = regexp.MustCompile(`(?:unknown field|duplicate field) "([^"]+)"|invalid value for \S+ field (\w+):`)
	inQuery   = regexp.MustCompile(`^(?:parsing field "([^"]+)"|type mismatch, parameter: (\S+),)`)
	goNumbers = regexp.MustCompile(`strconv\.\w+: parsing "(.*)": `)
)

// unreadable words what the gateway's decoders say about a request for people: with the field it is about, and without their own names.
func unreadable(message string) *errs.Error {
	field, reason := "", "INVALID"
	if m := inQuery.FindStringSubmatch(message); m != nil {
		field = m[1] + m[2]
		_, said, _ := strings.Cut(message, ": ")
		message = field + ": " + goNumbers.ReplaceAllString(said, `"$1": `)
	} else if m := inBody.FindStringSubmatch(message); m != nil {
		field = snake(m[1] + m[2])
		if strings.Contains(message, "unknown field") {
			reason = "UNKNOWN"
		}
	}
	at := ""
	if m := position.FindStringSubmatch(message); m != nil {
		if message = message[len(m[0]):]; m[1] != "" {
			at = " (" + m[1] + ")"
		}
	}
	err := errs.New(codes.InvalidArgument, "BODY_INVALID", "the request cannot be read: %s%s", message, at)
	if field != "" {
		err = err.Field(field, reason, message)
	}
	return err
}

// snake turns the decoder's name of a field into the one that clients send.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
