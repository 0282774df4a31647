-- +goose Up

-- A site may have a repository of its own. A row of repository is made when a name is first used.
ALTER TABLE repository ADD CONSTRAINT repository_name_check CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$');
-- Where the newest state lies, and where a revision was committed: the two differ when its device has moved since.
ALTER TABLE artifact ADD COLUMN repository text NOT NULL DEFAULT 'configs';
ALTER TABLE revision ADD COLUMN repository text NOT NULL DEFAULT 'configs';

-- +goose Down
ALTER TABLE revision DROP COLUMN repository;
ALTER TABLE artifact DROP COLUMN repository;
ALTER TABLE repository DROP CONSTRAINT repository_name_check;
