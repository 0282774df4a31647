-- +goose Up

-- When a changed platform page masked the text of a revision anew, to the second as its commit has it, and with which attempt; NULL: the text is as it came.
ALTER TABLE revision ADD COLUMN remasked_at timestamptz, ADD COLUMN remasked_fence bigint,
    ADD CONSTRAINT revision_remasked_check CHECK ((remasked_at IS NULL) = (remasked_fence IS NULL));
ALTER TABLE reindexed ADD COLUMN remasked_at timestamptz, ADD COLUMN remasked_fence bigint;

-- +goose Down
ALTER TABLE reindexed DROP COLUMN remasked_at, DROP COLUMN remasked_fence;
ALTER TABLE revision DROP COLUMN remasked_at, DROP COLUMN remasked_fence;
