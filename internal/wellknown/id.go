// Package wellknown holds what several packages must agree on: the ids of rows that exist from the first start, names of git repositories, and the name of what is done at a jump
// host.
package wellknown

const (
	// LocalGatewayID is the gateway `local`, which the server's own agent serves.
	LocalGatewayID = "00000000-0000-7000-8000-000000000001"
	// DefaultSiteID is the site `default`.
	DefaultSiteID = "00000000-0000-7000-8000-000000000002"
	// SystemBackupJobID is the job "Nightly backup".
	SystemBackupJobID = "00000000-0000-7000-8000-000000000003"
	// SystemBackupScheduleID is the schedule of SystemBackupJobID.
	SystemBackupScheduleID = "00000000-0000-7000-8000-000000000004"
)

// Jump is the kind of a jump host's spec, and the stage of what goes wrong there. No agent knows it as a kind of job, so that such a spec alone is no
// work.
const Jump = "jump"
