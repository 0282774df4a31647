// Package wellknown holds the ids of rows that exist from the first start and that several services must agree on.
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
