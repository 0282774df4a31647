package api

import (
	"io"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
)

// eventStream writes a stream's messages as server-sent events. grpc-gateway frames each message with Delimiter.
type eventStream struct{ *runtime.JSONPb }

// ContentType is that of single answers and of errors before the first event.
func (e *eventStream) ContentType(any) string { return "text/event-stream" }

// StreamContentType is that of streams.
func (e *eventStream) StreamContentType(any) string { return "text/event-stream" }

// Marshal puts one message into an event. JSON has no line ends of its own here, so one data line is enough.
func (e *eventStream) Marshal(v any) ([]byte, error) {
	b, err := e.JSONPb.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append([]byte("data: "), b...), nil
}

// NewEncoder is used for errors.
func (e *eventStream) NewEncoder(w io.Writer) runtime.Encoder {
	return runtime.EncoderFunc(func(v any) error {
		b, err := e.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, e.Delimiter()...))
		return err
	})
}

// Delimiter ends an event.
func (e *eventStream) Delimiter() []byte { return []byte("\n\n") }
