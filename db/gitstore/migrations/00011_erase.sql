-- +goose Up

-- Rewritings of the history (netraven gitstore erase). The row is written with the new head; branch, packs and search index follow it. One that touched several repositories has a row for each.
CREATE TABLE erasure (
    id uuid CONSTRAINT erasure_pk PRIMARY KEY,
    repository text NOT NULL,
    old_head text NOT NULL,
    new_head text NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- When nothing of the old history was left; NULL: it goes on with the next start.
    done_at timestamptz
);

-- What became of the commits: people know them by the old name, and a mirror may end with one.
CREATE TABLE erased_commit (
    repository text NOT NULL,
    old text NOT NULL,
    -- The commit before it where it is gone; empty where that is none.
    new text NOT NULL,
    CONSTRAINT erased_commit_pk PRIMARY KEY (repository, old)
);

-- +goose Down
DROP TABLE erased_commit;
DROP TABLE erasure;
