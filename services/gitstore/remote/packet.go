package remote

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

var errProtocol = failed(Refused, "the server answers, but not in git's protocol")

// maxPacket is the longest packet of git's protocol, its length of four digits included.
const maxPacket = 65520

// readPacket reads one packet; nil: the end of a part (0000).
func readPacket(in io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n, err := strconv.ParseUint(string(head[:]), 16, 16)
	if err != nil || n > maxPacket || n > 0 && n < 4 {
		return nil, errProtocol
	}
	if n == 0 {
		return nil, nil //nolint:nilnil // the end of a part
	}
	data := make([]byte, n-4)
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, fmt.Errorf("a packet is cut short: %w", io.ErrUnexpectedEOF)
	}
	return data, nil
}

// packet is text as one packet.
func packet(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }

const endOfPart = "0000"
