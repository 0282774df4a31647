-- +goose Up

-- compared: the lines that the revision took away are in gone.
ALTER TABLE revision ADD COLUMN compared boolean NOT NULL DEFAULT false;
CREATE INDEX revision_uncompared_idx ON revision (id) WHERE NOT compared AND NOT suspect;

-- The lines that the revision before has and this one has nowhere, in lower case; no row where there are none. With those of the newest text they are all that an artifact
-- ever had, so a search of its history knows where to look. It follows the commits and can be made again from git: DELETE, and compared = false.
CREATE TABLE gone (
    revision_id uuid CONSTRAINT gone_pk PRIMARY KEY CONSTRAINT gone_revision_fk REFERENCES revision (id) ON DELETE CASCADE,
    device_id uuid NOT NULL,
    artifact text NOT NULL,
    lines bytea NOT NULL CONSTRAINT gone_lines_check CHECK (lines <> '')
);

-- +goose Down
DROP TABLE gone;
DROP INDEX revision_uncompared_idx;
ALTER TABLE revision DROP COLUMN compared;
