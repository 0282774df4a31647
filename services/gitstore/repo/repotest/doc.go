// Package repotest has what benchmarks of gitstore measure with: a fleet whose configurations change, and git's own fast-import as the limit.
package repotest
