-- +goose Up

-- Enabled devices by the age of their last backup, those that never had one first: who lacks one is a range of it.
CREATE INDEX device_coverage_idx ON device (COALESCE(last_backup_at, '-infinity'::timestamptz), id) WHERE deleted_at IS NULL AND enabled;

-- +goose Down
DROP INDEX device_coverage_idx;
