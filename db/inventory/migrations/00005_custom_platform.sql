-- +goose Up
-- Pages that people gave by API. One takes the place of a built-in page of the same name.
CREATE TABLE custom_platform (
    name text CONSTRAINT custom_platform_pk PRIMARY KEY,
    digest text NOT NULL,
    page bytea NOT NULL,
    updated_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE custom_platform;
