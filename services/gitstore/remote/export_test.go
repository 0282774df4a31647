package remote

import "bytes"

// ReadAll reads bytes as a server's list of refs, and as its report.
func ReadAll(b []byte) {
	_, _ = readRefs(bytes.NewReader(b), Target{})
	for _, can := range [][]string{nil, {"side-band-64k"}} {
		r, err := readReport(bytes.NewReader(b), &advertised{can: can})
		if err == nil {
			_ = r.verdict(Target{})
		}
	}
}
