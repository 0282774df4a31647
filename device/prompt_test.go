package device

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheNameInAPrompt(t *testing.T) {
	for line, want := range map[string]string{
		"r1#":                        "r1",
		"admin@core-1> ":             "core-1",
		"* Slot-1 core.12 # ":        "core",
		"sw1.3 #":                    "sw1",
		"[edge.example.net] >":       "edge.example.net",
		"r.1#":                       "r.1",
		"user@10.0.0.17:~$":          "10.0.0",
		"[standalone: master] > ":    "standalone",
		"\xc3\xa9toile-core-3(cfg)#": "\xc3\xa9toile-core-3",
	} {
		require.Equal(t, want, string(stem([]byte(line))), line)
	}
}
