-- +goose Up
ALTER TABLE device
    -- Until when an agent may trust a new key; a key that came of it closes the window.
    ADD COLUMN host_key_window timestamptz,
    ADD COLUMN host_key_window_by text NOT NULL DEFAULT '';
CREATE INDEX host_key_observed_idx ON host_key (device_id) WHERE state = 'OBSERVED';

-- +goose Down
DROP INDEX host_key_observed_idx;
ALTER TABLE device
    DROP COLUMN host_key_window,
    DROP COLUMN host_key_window_by;
