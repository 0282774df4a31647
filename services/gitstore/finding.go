package gitstore

import "strings"

// Finding is one thing that is wrong with the history. What does not apply is empty.
type Finding struct {
	What       string `json:"what"`
	Repository string `json:"repository,omitempty"`
	Pack       string `json:"pack,omitempty"`
	Commit     string `json:"commit,omitempty"`
	Revision   string `json:"revision,omitempty"`
	Device     string `json:"device,omitempty"`
	Artifact   string `json:"artifact,omitempty"`
}

// inRepository names a pack or commit and its repository: REPOSITORY/NAME.
type inRepository string

func packIn(repository, pack string) inRepository { return inRepository(repository + "/" + pack) }

func (x inRepository) split() (repository, name string) {
	repository, name, _ = strings.Cut(string(x), "/")
	return repository, name
}
