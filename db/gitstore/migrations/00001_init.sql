-- +goose Up
CREATE TABLE repository (
    name text CONSTRAINT repository_pk PRIMARY KEY,
    -- The last commit that counts, hex; empty before the first. The git ref follows it, never the other way round.
    head text NOT NULL CONSTRAINT repository_head_check CHECK (head = '' OR head ~ '^[0-9a-f]{40}$')
);
INSERT INTO repository (name, head) VALUES ('configs', '');

CREATE TABLE artifact (
    device_id uuid NOT NULL,
    name text NOT NULL CONSTRAINT artifact_name_check CHECK (name <> ''),
    -- Where the file is in git now.
    path text NOT NULL,
    -- The newest revision.
    revision_id uuid NOT NULL,
    number integer NOT NULL CONSTRAINT artifact_number_check CHECK (number > 0),
    blob text NOT NULL,
    -- SHA-256 of the masked text, hex.
    text_digest text NOT NULL,
    -- The agent's change digest and the rules it was made by.
    label text NOT NULL,
    digest text NOT NULL,
    -- The highest fence that decided the content.
    fence bigint NOT NULL,
    -- Last time the content was confirmed, changed or not.
    seen_at timestamptz NOT NULL,
    CONSTRAINT artifact_pk PRIMARY KEY (device_id, name)
);
CREATE INDEX artifact_path_idx ON artifact (path);

CREATE TABLE revision (
    id uuid CONSTRAINT revision_pk PRIMARY KEY,
    device_id uuid NOT NULL,
    artifact text NOT NULL,
    number integer NOT NULL CONSTRAINT revision_number_check CHECK (number > 0),
    size integer NOT NULL CONSTRAINT revision_size_check CHECK (size >= 0),
    lines_added integer NOT NULL,
    lines_removed integer NOT NULL,
    suspect boolean NOT NULL,
    author text NOT NULL,
    commit_hash text NOT NULL,
    blob text NOT NULL,
    -- SHA-256 of the masked text, hex.
    digest text NOT NULL,
    run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    fence bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT revision_number_key UNIQUE (device_id, artifact, number)
);
CREATE INDEX revision_device_idx ON revision (device_id, id DESC);

-- The sealed original of a revision, as the agent closed it. It is replaced when a later original of the same masked text differs, so that a restore
-- never brings back an old key.
CREATE TABLE original (
    revision_id uuid CONSTRAINT original_pk PRIMARY KEY CONSTRAINT original_revision_fk REFERENCES revision (id) ON DELETE CASCADE,
    sealed bytea NOT NULL,
    task_id uuid NOT NULL,
    fence bigint NOT NULL,
    size integer NOT NULL
);
-- Sealed bytes do not compress.
ALTER TABLE original ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- What was stored of each attempt: a repeat is answered from here.
CREATE TABLE stored_attempt (
    task_id uuid NOT NULL,
    fence bigint NOT NULL,
    device_id uuid NOT NULL,
    changed boolean NOT NULL,
    -- An attempt that came after a newer one decided: kept as a row, not committed.
    observation boolean NOT NULL,
    revision_ids uuid[] NOT NULL,
    stored_at timestamptz NOT NULL,
    CONSTRAINT stored_attempt_pk PRIMARY KEY (task_id, fence),
    CONSTRAINT stored_attempt_changed_check CHECK (changed = (cardinality(revision_ids) > 0))
);
CREATE INDEX stored_attempt_stored_idx ON stored_attempt (stored_at);

-- +goose Down
DROP TABLE stored_attempt;
DROP TABLE original;
DROP TABLE revision;
DROP TABLE artifact;
DROP TABLE repository;
