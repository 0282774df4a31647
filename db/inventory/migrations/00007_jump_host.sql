-- +goose Up
ALTER TABLE device ADD COLUMN jump_host_id uuid CONSTRAINT device_jump_host_fk REFERENCES device (id) CONSTRAINT device_jump_host_check CHECK (jump_host_id <> id);
-- No foreign key: devices name their site, and a dump can only load tables that do not need each other. Rows of devices are never removed, and a
-- device that is a jump host is not marked as deleted either.
ALTER TABLE site ADD COLUMN jump_host_id uuid;
CREATE INDEX device_jump_host_idx ON device (jump_host_id) WHERE jump_host_id IS NOT NULL;

-- +goose Down
DROP INDEX device_jump_host_idx;
ALTER TABLE site DROP COLUMN jump_host_id;
ALTER TABLE device DROP COLUMN jump_host_id;
