package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// bucket is a store in an S3-compatible bucket.
type bucket struct {
	client       *minio.Client
	name, prefix string
}

// openBucket reads s3://BUCKET/PREFIX?endpoint=URL&region=NAME. The keys come from where all tools take them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the
// credentials file, or the machine's role. A key in the address is refused, for everybody on the machine sees arguments, and no error repeats the address.
func openBucket(place string) (Store, error) {
	u, err := url.Parse(place)
	if err != nil || u.Host == "" {
		return nil, errors.New("the mirror is not of the form s3://BUCKET/PREFIX?endpoint=URL&region=NAME")
	}
	q := u.Query()
	for k := range q {
		if k != "endpoint" && k != "region" {
			return nil, fmt.Errorf("the mirror has the option %s; there are endpoint and region", k)
		}
	}
	end := q.Get("endpoint")
	if end == "" {
		end = "https://s3.amazonaws.com"
	}
	e, err := url.Parse(end)
	if err != nil || e.Host == "" || e.Scheme != "http" && e.Scheme != "https" {
		return nil, errors.New("the mirror's endpoint is not a URL with http or https")
	}
	if u.User != nil || e.User != nil {
		return nil, errors.New("no key belongs in the mirror's address, which everybody sees; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	client, err := minio.New(e.Host, &minio.Options{
		Creds: credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{},
			&credentials.IAM{Client: &http.Client{Transport: http.DefaultTransport}}}),
		Secure: e.Scheme == "https", Region: q.Get("region"),
	})
	if err != nil {
		return nil, fmt.Errorf("the mirror s3://%s: %w", u.Host, err)
	}
	return &bucket{client: client, name: u.Host, prefix: strings.Trim(u.Path, "/")}, nil
}

func (b *bucket) String() string { return "s3://" + path.Join(b.name, b.prefix) }

func (b *bucket) key(name string) string { return path.Join(b.prefix, name) }

// Put replaces an object as a whole: a bucket never shows half of one.
func (b *bucket) Put(ctx context.Context, name string, size int64, r io.Reader) error {
	_, err := b.client.PutObject(ctx, b.name, b.key(name), r, size, minio.PutObjectOptions{ContentType: "application/octet-stream"})
	return err
}

func (b *bucket) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	o, err := b.client.GetObject(ctx, b.name, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	if _, err := o.Stat(); err != nil {
		_ = o.Close()
		if code := minio.ToErrorResponse(err).Code; code == minio.NoSuchKey {
			return nil, fmt.Errorf("%s: %w", name, ErrMissing)
		}
		return nil, err
	}
	return o, nil
}

func (b *bucket) List(ctx context.Context) ([]Object, error) {
	prefix := b.prefix
	if prefix != "" {
		prefix += "/"
	}
	var out []Object
	for o := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, o.Err
		}
		out = append(out, Object{Name: strings.TrimPrefix(o.Key, prefix), Size: o.Size})
	}
	return out, errors.Join(ctx.Err())
}

func (b *bucket) Remove(ctx context.Context, name string) error {
	return b.client.RemoveObject(ctx, b.name, b.key(name), minio.RemoveObjectOptions{})
}
