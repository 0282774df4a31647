-- +goose Up

-- Counts the transactions that wrote originals. The row is locked from counting to the end of the transaction, so whoever reads a number can read all up to it.
ALTER TABLE repository ADD COLUMN change bigint NOT NULL DEFAULT 1;

-- The change that wrote the original last: a mirror takes what changed since it looked.
ALTER TABLE original ADD COLUMN change bigint NOT NULL DEFAULT 1;
CREATE INDEX original_change_idx ON original (change, revision_id);

-- +goose Down
DROP INDEX original_change_idx;
ALTER TABLE original DROP COLUMN change;
ALTER TABLE repository DROP COLUMN change;
