-- +goose Up
-- Git servers that the history is pushed to. Their secrets are in vault, under secret_id: a new secret gets a new id, so that a url is never used with a secret that
-- was given for another one.
CREATE TABLE remote (
    id uuid CONSTRAINT remote_pk PRIMARY KEY,
    name text NOT NULL CONSTRAINT remote_name_check CHECK (name <> ''),
    repository text NOT NULL CONSTRAINT remote_repository_check CHECK (repository <> ''),
    url text NOT NULL,
    username text NOT NULL,
    secret_id uuid,
    secrets_set text[] NOT NULL,
    known_host text NOT NULL,
    accept_first_host_key boolean NOT NULL,
    ca text NOT NULL,
    enabled boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- Counts changes by people: what a push learnt of an older version is not written to a newer one.
    version integer NOT NULL,
    -- The last commit known to be there, hex; empty: none.
    pushed text NOT NULL CONSTRAINT remote_pushed_check CHECK (pushed = '' OR pushed ~ '^[0-9a-f]{40}$'),
    pushed_at timestamptz,
    -- Since when something is missing there.
    behind_since timestamptz,
    -- Why the last push failed; empty: it did not.
    reason text NOT NULL,
    error text NOT NULL,
    failed_at timestamptz,
    failures integer NOT NULL,
    next_try_at timestamptz,
    CONSTRAINT remote_secret_check CHECK ((secret_id IS NULL) = (cardinality(secrets_set) = 0)),
    CONSTRAINT remote_failed_check CHECK ((reason = '') = (failures = 0))
);
CREATE UNIQUE INDEX remote_name_key ON remote (lower(name));

-- +goose Down
DROP TABLE remote;
