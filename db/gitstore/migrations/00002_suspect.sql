-- +goose Up

-- A suspect is a revision that is not in the history yet: it has no number, and so there is at most one of an artifact. What was marked before is in the history.
UPDATE revision SET suspect = false;
ALTER TABLE revision DROP CONSTRAINT revision_number_check;
ALTER TABLE revision ADD CONSTRAINT revision_number_check CHECK (number >= 0 AND suspect = (number = 0));
CREATE INDEX revision_suspect_idx ON revision (id DESC) WHERE suspect;

-- What git would have of a suspect.
CREATE TABLE suspect (
    revision_id uuid CONSTRAINT suspect_pk PRIMARY KEY CONSTRAINT suspect_revision_fk REFERENCES revision (id) ON DELETE CASCADE,
    masked bytea NOT NULL,
    -- The agent's change digest and the rules it was made by.
    label text NOT NULL,
    digest text NOT NULL,
    -- The newest attempt that found the same text, and when.
    fence bigint NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE INDEX suspect_seen_idx ON suspect (seen_at);

-- A serialized gitstore.v1.Suspect: the attempt was kept apart.
ALTER TABLE stored_attempt ADD COLUMN suspect bytea CONSTRAINT stored_attempt_suspect_check CHECK (suspect IS NULL OR NOT changed);

-- +goose Down
ALTER TABLE stored_attempt DROP COLUMN suspect;
DROP TABLE suspect;
DELETE FROM revision WHERE suspect;
DROP INDEX revision_suspect_idx;
ALTER TABLE revision DROP CONSTRAINT revision_number_check;
ALTER TABLE revision ADD CONSTRAINT revision_number_check CHECK (number > 0);
