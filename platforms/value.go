package platforms

import "bytes"

// Values returns what Mask may have passed to tag where a text has this secret: the value without blanks and quotes around it, as on a line; as the lines of a block; and
// without the first and last line, which are no secret where they only say that a key begins and ends. A secret of blanks alone has none.
func Values(secret []byte) (all [][]byte) {
	secret = bytes.Trim(secret, " \t\r\n")
	if !bytes.Contains(secret, []byte("\n")) {
		if s := (span{0, len(secret), false}); s.trim(secret) {
			all = append(all, secret[s.from:s.to])
		}
	}
	block := bytes.TrimRight(secret, " \t\r\n\"'")
	if len(block) == 0 {
		return all
	}
	all = append(all, flatten(block))
	_, inner, _ := bytes.Cut(block, []byte("\n"))
	last := bytes.LastIndexByte(inner, '\n')
	if bytes.HasPrefix(block, []byte("-----BEGIN")) && last >= 0 && bytes.HasPrefix(bytes.TrimSpace(inner[last:]), []byte("-----END")) {
		all = append(all, flatten(bytes.TrimSpace(inner[:last])))
	}
	return all
}
