-- +goose Up

-- The agents seen so far. Whether one is allowed in is auth's to say; whether it is here is computed from these columns.
CREATE TABLE agent (
    id              uuid        NOT NULL,
    gateway_id      uuid        NOT NULL,
    name            text        NOT NULL,
    version         text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    -- The newest stream, over all replicas of the hub. An older one that finds another session here ends itself.
    session_id      uuid,
    epoch           bigint      NOT NULL DEFAULT 0,
    connected_at    timestamptz,
    disconnected_at timestamptz,
    last_seen_at    timestamptz,
    sessions        integer     NOT NULL DEFAULT 0,
    revoked_at      timestamptz,
    CONSTRAINT agent_pkey PRIMARY KEY (id),
    CONSTRAINT agent_name_not_empty CHECK (name <> ''),
    CONSTRAINT agent_epoch_not_negative CHECK (epoch >= 0),
    CONSTRAINT agent_sessions_not_negative CHECK (sessions >= 0),
    CONSTRAINT agent_session_was_connected CHECK (session_id IS NULL OR connected_at IS NOT NULL)
);

CREATE INDEX agent_by_name ON agent (lower(name), id);

-- +goose Down
DROP TABLE agent;
