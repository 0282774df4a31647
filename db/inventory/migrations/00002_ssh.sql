-- +goose Up
ALTER TABLE device
    ADD COLUMN newline text NOT NULL DEFAULT '' CONSTRAINT device_newline_check CHECK (newline IN ('', 'LF', 'CR', 'CRLF')),
    -- 0: the agent's default.
    ADD COLUMN terminal_columns integer NOT NULL DEFAULT 0
        CONSTRAINT device_terminal_columns_check CHECK (terminal_columns = 0 OR terminal_columns BETWEEN 20 AND 511),
    ADD COLUMN terminal_rows integer NOT NULL DEFAULT 0
        CONSTRAINT device_terminal_rows_check CHECK (terminal_rows = 0 OR terminal_rows BETWEEN 5 AND 10000),
    -- NULL: only where one is needed; 0: none.
    ADD COLUMN keepalive_seconds integer CONSTRAINT device_keepalive_seconds_check CHECK (keepalive_seconds BETWEEN 0 AND 600);

-- +goose Down
ALTER TABLE device
    DROP COLUMN newline,
    DROP COLUMN terminal_columns,
    DROP COLUMN terminal_rows,
    DROP COLUMN keepalive_seconds;
