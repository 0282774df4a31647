package mirror

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxFrame bounds one original with its envelope: 32 MiB before it was packed.
const maxFrame = 64 << 20

// WriteFrame writes a record and its length.
func WriteFrame(w io.Writer, b []byte) error {
	if len(b) > maxFrame {
		return fmt.Errorf("a record of %d bytes is too large for a mirror", len(b))
	}
	if err := binary.Write(w, binary.BigEndian, uint32(len(b))); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

// ReadFrame reads a record. io.EOF when there is none left, io.ErrUnexpectedEOF when it is cut short.
func ReadFrame(r io.Reader) ([]byte, error) {
	var n uint32
	if err := binary.Read(r, binary.BigEndian, &n); err != nil {
		return nil, err
	}
	if n > maxFrame {
		return nil, errors.New("a record of the mirror is too large: the segment is damaged")
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return b, nil
}
