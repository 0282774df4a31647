package platforms

import "strings"

// opaqueLine is the length from which a line of nothing but base64 or hexadecimal characters is
// taken for a piece of a key: the last words of a device may begin inside of one.
const opaqueLine = 32

// MaskLines makes device text fit for an error message: every secret is "<secret>" without a tag,
// lines that look like pieces of keys are masked although what announced them is cut off, and lines
// that the device wrapped are joined. A nil page has the general rules.
func (p *Page) MaskLines(text string) string {
	b := []byte(text)
	if p != nil && len(p.Backup) > 0 && len(p.Main().clean.join) > 0 {
		b = joinLines(b, p.Main().clean.join)
	}
	text = string(p.masker().run(b, nil, false))
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		n, key := keyRun(lines[i:])
		for j := i; key && j < i+n; j++ {
			lines[j] = "<secret>"
		}
		i += max(n, 1)
	}
	return strings.Join(lines, "\n")
}

// keyRun returns how many lines from the first one on are nothing but key characters, and whether
// they are to be taken for a key: one is long enough, or the end of a private key follows.
func keyRun(lines []string) (n int, key bool) {
	for n < len(lines) && keyCharacters(lines[n]) {
		key = key || len(strings.TrimSpace(lines[n])) >= opaqueLine
		n++
	}
	return n, key || n < len(lines) && strings.Contains(lines[n], "-----END") && strings.Contains(lines[n], "PRIVATE KEY")
}

func keyCharacters(line string) bool {
	line = strings.TrimSpace(line)
	for i := range len(line) {
		c := line[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '=') {
			return false
		}
	}
	return line != ""
}
