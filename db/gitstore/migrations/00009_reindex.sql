-- +goose Up

-- What `netraven gitstore reindex` reads from git on its way into the index; empty otherwise. Nothing of it need survive a crash.
CREATE UNLOGGED TABLE reindexed (
    id uuid NOT NULL,
    device_id uuid NOT NULL,
    artifact text NOT NULL,
    number integer NOT NULL,
    size integer NOT NULL,
    lines_added integer NOT NULL,
    lines_removed integer NOT NULL,
    author text NOT NULL,
    commit_hash text NOT NULL,
    blob text NOT NULL,
    digest text NOT NULL,
    run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    fence bigint NOT NULL,
    created_at timestamptz NOT NULL,
    repository text NOT NULL,
    -- Where the text lies, and the artifact's fence there: its device may have moved since. They count in an artifact's newest row.
    lies_in text NOT NULL,
    path text NOT NULL,
    last_fence bigint NOT NULL,
    CONSTRAINT reindexed_pk PRIMARY KEY (device_id, artifact, number)
);

-- +goose Down
DROP TABLE reindexed;
