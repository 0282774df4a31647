package archive

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	manifestName = "manifest.json"
	endName      = "end.json"
	partSize     = 4 << 20
)

// end is the last entry.
type end struct {
	Rows int64 `json:"rows"`
}

func partName(schema, table string, n int) string { return fmt.Sprintf("%s/%s/%08d", schema, table, n) }

// writer writes the entries of a dump.
type writer struct {
	zstd *zstd.Encoder
	tar  *tar.Writer
	at   time.Time
}

func newWriter(w io.Writer, at time.Time) (*writer, error) {
	z, err := zstd.NewWriter(w)
	if err != nil {
		return nil, err
	}
	return &writer{zstd: z, tar: tar.NewWriter(z), at: at}, nil
}

func (w *writer) entry(name string, content []byte) error {
	head := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o600, ModTime: w.at, Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(head); err != nil {
		return err
	}
	_, err := w.tar.Write(content)
	return err
}

func (w *writer) json(name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return w.entry(name, append(text, '\n'))
}

// close ends the file; what was written counts only after it.
func (w *writer) close() error { return errors.Join(w.tar.Close(), w.zstd.Close()) }

// abandon lets the compressor's memory go; the file stays without its end.
func (w *writer) abandon() { w.zstd.Reset(io.Discard); _ = w.zstd.Close() }

// parts cuts a stream of unknown length into entries, because tar wants each one's length first.
type parts struct {
	w             *writer
	schema, table string
	n             int
	buf           []byte
}

// Write implements io.Writer.
func (p *parts) Write(b []byte) (int, error) {
	for taken := 0; taken < len(b); {
		n := min(partSize-len(p.buf), len(b)-taken)
		p.buf = append(p.buf, b[taken:taken+n]...)
		taken += n
		if len(p.buf) == partSize {
			if err := p.flush(); err != nil {
				return taken, err
			}
		}
	}
	return len(b), nil
}

func (p *parts) flush() error {
	if len(p.buf) == 0 {
		return nil
	}
	p.n++
	err := p.w.entry(partName(p.schema, p.table, p.n), p.buf)
	p.buf = p.buf[:0]
	return err
}
