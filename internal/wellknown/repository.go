package wellknown

import "regexp"

// Repository is the git repository of all sites that are not kept apart.
const Repository = "configs"

var repositoryName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// IsRepository tells whether a git repository may have that name: it is a folder's, and part of an address.
func IsRepository(name string) bool { return repositoryName.MatchString(name) }
