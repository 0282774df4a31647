package repo

import (
	"archive/tar"
	"errors"
	"io"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func untar(rt *rapid.T, in io.Reader) model {
	out := model{}
	for files := tar.NewReader(in); ; {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(rt, err)
		if head.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(files)
		require.NoError(rt, err)
		out[head.Name] = string(data)
	}
}
