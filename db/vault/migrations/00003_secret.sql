-- +goose Up
-- Secrets that services keep here, sealed as a credential's: under a data key of its own, which is under the key-encryption key.
CREATE TABLE secret (
    -- The service that put it: it is part of the seal, as kind and id are.
    owner    text  NOT NULL,
    kind     text  NOT NULL,
    id       uuid  NOT NULL,
    data_key bytea NOT NULL,
    sealed   bytea NOT NULL,
    CONSTRAINT secret_pk PRIMARY KEY (owner, kind, id),
    CONSTRAINT secret_owned CHECK (owner ~ '^[a-z]+$' AND kind ~ '^[a-z_]+$')
);

-- +goose Down
DROP TABLE secret;
