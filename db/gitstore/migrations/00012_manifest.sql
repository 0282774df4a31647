-- +goose Up

-- The mark of the manifest that this database last wrote to a mirror, and that of the one before it (of configs, for all). A mirror with another one was written by another database, or by
-- this one before it was restored to an older moment: its count of changes says nothing here.
ALTER TABLE repository ADD COLUMN manifests text[] NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE repository DROP COLUMN manifests;
