package platforms
type fact struct{}
type masker struct{}
type cleaner struct{}
