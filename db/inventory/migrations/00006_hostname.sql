-- +goose Up
-- The device's own name for itself, which need not be the inventory's.
ALTER TABLE device ADD COLUMN hostname text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE device DROP COLUMN hostname;
