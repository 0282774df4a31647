package repo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// deflaters and inflaters are kept: making one costs more than packing a small config.
var (
	quick     = deflaters(zlib.BestSpeed) // a third of the time for a tenth more bytes, until git folds the pack
	thorough  = deflaters(zlib.DefaultCompression)
	inflaters sync.Pool
)

func deflaters(level int) *sync.Pool {
	return &sync.Pool{New: func() any {
		w, _ := zlib.NewWriterLevel(io.Discard, level)
		return w
	}}
}

// deflate is the zlib form of data.
func deflate(with *sync.Pool, data []byte) []byte {
	var buf bytes.Buffer
	w := with.Get().(*zlib.Writer) //nolint:forcetypeassert // only deflaters are put there
	defer with.Put(w)
	w.Reset(&buf)
	_, _ = w.Write(data) // a bytes.Buffer takes everything
	_ = w.Close()
	return buf.Bytes()
}

// inflate reads exactly size bytes of zlib data from src. A stream that ends early, goes on, or has a wrong check sum is an error.
func inflate(src io.Reader, size int) ([]byte, error) {
	z, err := newInflater(src)
	if err != nil {
		return nil, err
	}
	defer inflaters.Put(z)
	out := make([]byte, size)
	if _, err := io.ReadFull(z, out); err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	var more [1]byte
	switch n, err := io.ReadFull(z, more[:]); {
	case n > 0:
		return nil, errors.New("inflate: longer than announced")
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("inflate: %w", err)
	}
	return out, nil
}

func newInflater(src io.Reader) (io.ReadCloser, error) {
	if z, ok := inflaters.Get().(io.ReadCloser); ok {
		if err := z.(zlib.Resetter).Reset(src, nil); err != nil { //nolint:forcetypeassert // documented by zlib
			return nil, fmt.Errorf("inflate: %w", err)
		}
		return z, nil
	}
	z, err := zlib.NewReader(src)
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	return z, nil
}
