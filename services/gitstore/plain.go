package gitstore

import "strings"

// plainLabel begins the labels of artifacts that were stored unmasked. A label of the other kind fits nothing, so after the setting was changed the next results come with their bytes.
const plainLabel = "plain|"

// mark gives the artifacts of attempts the labels under which they are stored. What an agent says and hears of labels knows no such thing.
func (s *Service) mark(attempts []*attempt) {
	if !s.plain {
		return
	}
	for _, a := range attempts {
		for _, in := range a.in.GetArtifacts() {
			in.Label = plainLabel + in.GetLabel()
		}
	}
}

// label is what an agent knows a stored label as; empty: its bytes must come, because there is none or it is of the other kind.
func (s *Service) label(stored string) string {
	if strings.HasPrefix(stored, plainLabel) != s.plain {
		return ""
	}
	return strings.TrimPrefix(stored, plainLabel)
}
