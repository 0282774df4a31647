package mirror

import (
	"context"
	"errors"
	"io"
	"strings"
)

// ErrMissing says that there is no object of a name.
var ErrMissing = errors.New("it is not there")

// ErrDamaged says that an object is not what the manifest says of it.
var ErrDamaged = errors.New("is damaged")

// Object is what a store says of an object without reading it.
type Object struct {
	Name string
	Size int64
}

// Store keeps objects by names with slashes. Safe for concurrent use; all methods block on disk or network.
type Store interface {
	// Put writes an object of size bytes, replacing one of that name. It is whole and durable when Put returns, or as before.
	Put(ctx context.Context, name string, size int64, r io.Reader) error
	// Get reads an object. ErrMissing, here or by the first Read, when there is none.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List answers all objects.
	List(ctx context.Context) ([]Object, error)
	// Remove takes an object away; one that is not there is fine.
	Remove(ctx context.Context, name string) error
	// String names the store for people; there are no secrets in it.
	String() string
}

// Open opens a store: a folder, which must exist when something is written, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME. It does not block on the network.
func Open(place string) (Store, error) {
	if strings.HasPrefix(place, "s3://") {
		return openBucket(place)
	}
	return openFolder(place)
}
