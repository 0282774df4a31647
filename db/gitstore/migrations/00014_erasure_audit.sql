-- +goose Up

-- The audit trail has it: auth does not run when something is erased.
ALTER TABLE erasure ADD COLUMN audited boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE erasure DROP COLUMN audited;
