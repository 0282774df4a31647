-- +goose Up

-- Devices whose originals were destroyed on purpose, with the key that opened them. The row stays, so that people and mirrors know.
CREATE TABLE shredded (
    device_id uuid CONSTRAINT shredded_pk PRIMARY KEY,
    -- When somebody ordered it last.
    ordered_at timestamptz NOT NULL,
    -- When key and originals were gone; NULL or before ordered_at: not yet, and it is tried again. No two rows have the same time, so that a mirror can
    -- say up to which it has followed.
    done_at timestamptz CONSTRAINT shredded_done_key UNIQUE
);

-- +goose Down
DROP TABLE shredded;
