package repo

import "time"

// Change is what happened to one device: it becomes one commit.
type Change struct {
	// Edits are applied in order. They may touch several paths (the artifacts of one device), at least one is required.
	Edits []Edit
	// Message is the whole commit message, best made by Message. Bytes git cannot keep (NUL, invalid UTF-8) are replaced.
	Message string
	// Author is who changed the device. An empty name means Options.Committer.
	Author Signature
	// When is the time of the commit, to the second. The zero time means Author.When.
	When time.Time
}

// Signature is a person and a moment in a commit. Text may come from a device: what git cannot hold is replaced.
type Signature struct {
	Name  string
	Email string
	When  time.Time
}

// Edit is one step of a Change. Make it with Put, Remove or Move.
type Edit struct {
	// Path is slash-separated, relative to the root, each component as SafeName makes it.
	Path string
	// Content is the file's new bytes.
	Content []byte
	// From, when set, is the path (file or whole folder) that moves to Path; Content is not used.
	From string
	// Removed takes Path (file or whole folder) away; Content and From are not used.
	Removed bool
}

// Put writes a file, creating its folders.
func Put(path string, content []byte) Edit { return Edit{Path: path, Content: content} }

// Remove takes a file or a whole folder away. What is not there is not an error.
func Remove(path string) Edit { return Edit{Path: path, Removed: true} }

// Move renames a file or a whole folder. The new path must be free, the old one must exist.
func Move(from, to string) Edit { return Edit{Path: to, From: from} }

// Batch is a group of commits that is durable on disk but that no ref names yet.
type Batch struct {
	// Parent is the commit the group was built on; zero for the first of a repository.
	Parent Hash
	// Head is the last commit: the value for the database head and then SetHead. It equals Parent when nothing changed.
	Head Hash
	// Commits answers the changes one by one, in order.
	Commits []Written
	// Pack is the name of the new pack (pack-<Pack>.pack); zero when nothing had to be written.
	Pack Hash
	// Objects and Bytes say what was written, .idx not included.
	Objects int
	Bytes   int64
}

// Written is the outcome of one Change.
type Written struct {
	// Commit holds the change. When Unchanged it is the commit before it.
	Commit Hash
	// Tree is the root folder after the change.
	Tree Hash
	// Blobs answers Change.Edits one by one: the content's name for a Put, zero otherwise.
	Blobs []Hash
	// Unchanged says that the edits left every path as it was, so no commit was made.
	Unchanged bool
}
