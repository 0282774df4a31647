package archive

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxJSON bounds what is read into memory at once.
const maxJSON = 16 << 20

// reader reads the entries of a dump in order.
type reader struct {
	zstd *zstd.Decoder
	tar  *tar.Reader
	next *tar.Header // read but not taken yet
}

// openReader reads the manifest. Close the reader when done.
func openReader(r io.Reader) (*reader, *Manifest, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(64<<20), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, nil, err
	}
	in := &reader{zstd: z, tar: tar.NewReader(z)}
	m := &Manifest{}
	if err := in.json(manifestName, m); err != nil {
		z.Close()
		return nil, nil, fmt.Errorf("this is no dump of NetRaven: %w", err)
	}
	return in, m, nil
}

func (in *reader) close() { in.zstd.Close() }

// peek is the header of the entry that comes next.
func (in *reader) peek() (*tar.Header, error) {
	if in.next == nil {
		head, err := in.tar.Next()
		if err != nil {
			return nil, damaged(err)
		}
		in.next = head
	}
	return in.next, nil
}

func damaged(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the dump is cut off")
	}
	return fmt.Errorf("the dump is damaged: %w", err)
}

func (in *reader) json(name string, value any) error {
	head, err := in.peek()
	if err != nil {
		return err
	}
	if head.Name != name || head.Size > maxJSON {
		return fmt.Errorf("the dump is damaged: %q stands where %s should", head.Name, name)
	}
	in.next = nil
	text, err := io.ReadAll(io.LimitReader(in.tar, maxJSON))
	if err != nil {
		return damaged(err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("the dump is damaged: %s: %w", name, err)
	}
	return nil
}

// finish reads the end and everything behind it, so that the whole file's checksum has been compared.
func (in *reader) finish(rows int64) error {
	var e end
	if err := in.json(endName, &e); err != nil {
		return err
	}
	if e.Rows != rows {
		return fmt.Errorf("the dump is damaged: it ends with %d rows and promised %d", e.Rows, rows)
	}
	if _, err := in.tar.Next(); !errors.Is(err, io.EOF) {
		return errors.New("the dump is damaged: something follows its end")
	}
	if _, err := io.Copy(io.Discard, in.zstd); err != nil {
		return damaged(err)
	}
	return nil
}

// table reads a table's parts as one stream.
func (in *reader) table(schema, table string) *tableReader {
	return &tableReader{in: in, schema: schema, table: table}
}

type tableReader struct {
	in            *reader
	schema, table string
	n             int
	open          bool
	err           error // what was wrong with the dump, also when PostgreSQL's own word for it is returned
}

// Read implements io.Reader.
func (t *tableReader) Read(b []byte) (int, error) {
	for {
		if !t.open {
			head, err := t.in.peek()
			if err != nil {
				t.err = err
				return 0, err
			}
			if head.Name != partName(t.schema, t.table, t.n+1) {
				return 0, io.EOF
			}
			t.in.next, t.open = nil, true
			t.n++
		}
		n, err := t.in.tar.Read(b)
		if errors.Is(err, io.EOF) {
			t.open, err = false, nil
		}
		if err != nil {
			t.err = damaged(err)
			return n, t.err
		}
		if n > 0 {
			return n, nil
		}
	}
}
