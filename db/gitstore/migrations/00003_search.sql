-- +goose Up

-- sifted: the search index knows the blob. A new blob is not known yet.
ALTER TABLE artifact ADD COLUMN sifted boolean NOT NULL DEFAULT false;
CREATE INDEX artifact_unsifted_idx ON artifact (device_id, name) WHERE NOT sifted;
CREATE INDEX artifact_blob_idx ON artifact (blob);

-- +goose Down
DROP INDEX artifact_blob_idx;
DROP INDEX artifact_unsifted_idx;
ALTER TABLE artifact DROP COLUMN sifted;
