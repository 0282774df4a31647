package auth

import (
	"context"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

const (
	outcomeOK = "OK"
	// maxLines and maxText bound one call and one field.
	maxLines   = 5000
	maxText    = 1024
	maxDetails = 32
)

// AppendAudit adds lines to the audit trail; it returns when they are durable.
func (s *Service) AppendAudit(ctx context.Context, req *authv1.AppendAuditRequest) (*authv1.AppendAuditResponse, error) {
	if len(req.GetLines()) > maxLines {
		return nil, errs.Invalid("lines", "TOO_MANY", "at most 5000 lines a call")
	}
	for _, l := range req.GetLines() {
		if _, err := uuid.Parse(l.GetId()); err != nil {
			return nil, errs.Invalid("lines.id", "INVALID", "an audit line's id is a UUID")
		}
		if l.GetAction() == "" || l.GetOutcome() == "" {
			return nil, errs.Invalid("lines.action", "REQUIRED", "an audit line says what was done and what came of it")
		}
		trim(l, s.now())
	}
	return &authv1.AppendAuditResponse{}, s.store.appendAudit(ctx, req.GetLines(), s.now())
}

// trim makes a line storable whatever is in it: a trail that refuses lines has holes.
func trim(l *authv1.AuditLine, now time.Time) {
	for _, f := range []*string{&l.Actor, &l.ActorName, &l.Source, &l.Action, &l.ObjectKind, &l.ObjectId, &l.Outcome} {
		*f = storable(*f)
	}
	if !l.GetAt().IsValid() {
		l.At = timestamppb.New(now)
	}
	clean := map[string]string{}
	for k, v := range l.GetDetails() {
		if len(clean) < maxDetails {
			clean[storable(k)] = storable(v)
		}
	}
	l.Details = clean
}

// storable is text that PostgreSQL takes: valid UTF-8 without NUL, of bounded length.
func storable(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// line is an audit line about what the caller of ctx does now.
func (s *Service) line(ctx context.Context, action, objectKind, objectID, outcome string) *authv1.AuditLine {
	p := authn.FromContext(ctx)
	l := &authv1.AuditLine{
		Id: newID().String(), At: timestamppb.New(s.now()), Actor: p.Actor(), ActorName: p.Name(), Source: source(ctx),
		Action: action, ObjectKind: objectKind, ObjectId: objectID, Outcome: outcome,
	}
	trim(l, s.now())
	return l
}

// with returns the line with details added.
func with(l *authv1.AuditLine, details map[string]string) *authv1.AuditLine {
	for k, v := range details {
		details[k] = storable(v)
	}
	maps.Copy(l.GetDetails(), details)
	return l
}

// by returns the line as done by a user, for calls that prove who calls only while they run.
func by(l *authv1.AuditLine, id, name string) *authv1.AuditLine {
	l.Actor, l.ActorName = id, name
	return l
}

// audit writes a line about a refusal, which has no transaction of its own. The refusal stands whether it can be written or not; a line that
// cannot be written goes to the log.
func (s *Service) audit(ctx context.Context, l *authv1.AuditLine) {
	// The caller may hang up on the refusal; the line is written all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.store.appendAudit(ctx, []*authv1.AuditLine{l}, s.now()); err != nil {
		s.log.Error("auth: an audit line was not written", "err", err, "action", l.GetAction(), "actor", l.GetActor(), "outcome", l.GetOutcome())
	}
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
