package job

import (
	"context"
	"strings"
	"unicode/utf8"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// maxTranscript is the most that is kept of a transcript.
const maxTranscript = 256 << 10

// GetTranscript answers what was said and typed in the newest attempt that ended.
func (s *Service) GetTranscript(ctx context.Context, req *jobv1.GetTranscriptRequest) (*jobv1.Transcript, error) {
	id, err := parseID("task", req.GetId())
	if err != nil {
		return nil, err
	}
	if _, err := s.store.task(ctx, id); err != nil {
		return nil, err
	}
	return s.store.transcript(ctx, id)
}

// keptTranscript is what is written down of a transcript. What is too large or no text is not kept: the attempt's end counts all the same.
func keptTranscript(t *jobv1.Transcript) *jobv1.Transcript {
	if text := t.GetText(); text == "" || len(text) > maxTranscript || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil
	}
	return t
}
