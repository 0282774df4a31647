-- +goose Up
-- The git repository that takes the configurations of the site's devices.
ALTER TABLE site ADD COLUMN repository text NOT NULL DEFAULT 'configs' CONSTRAINT site_repository_check CHECK (repository ~ '^[a-z0-9][a-z0-9-]{0,62}$');

-- +goose Down
ALTER TABLE site DROP COLUMN repository;
