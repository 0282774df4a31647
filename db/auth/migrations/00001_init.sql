-- +goose Up
-- Secrets never stand here in the clear: passwords are Argon2id (PHC strings), tokens are SHA-256 of 32 random bytes, private
-- keys are sealed under the key-encryption key, which is not in the database.

CREATE TABLE role (
    name        text   NOT NULL,
    description text   NOT NULL,
    permissions text[] NOT NULL,
    CONSTRAINT role_pk PRIMARY KEY (name),
    CONSTRAINT role_name_not_empty CHECK (name <> '')
);

CREATE TABLE account (
    id                   uuid        NOT NULL,
    username             text        NOT NULL,
    password_hash        text        NOT NULL,
    must_change_password boolean     NOT NULL,
    -- The account that first start made: its password file is removed once the password changes.
    from_first_start     boolean     NOT NULL,
    created_at           timestamptz NOT NULL,
    last_login_at        timestamptz,
    CONSTRAINT account_pk PRIMARY KEY (id),
    CONSTRAINT account_username_not_empty CHECK (username <> ''),
    CONSTRAINT account_password_is_argon2id CHECK (password_hash LIKE '$argon2id$%')
);
CREATE UNIQUE INDEX account_username_key ON account (lower(username));

CREATE TABLE account_role (
    account_id uuid NOT NULL,
    role       text NOT NULL,
    CONSTRAINT account_role_pk PRIMARY KEY (account_id, role),
    CONSTRAINT account_role_account_fk FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE,
    CONSTRAINT account_role_role_fk FOREIGN KEY (role) REFERENCES role (name)
);
CREATE INDEX account_role_role_idx ON account_role (role);

CREATE VIEW account_with_roles AS
SELECT a.id, a.username, a.password_hash, a.must_change_password, a.from_first_start, a.created_at, a.last_login_at,
       coalesce((SELECT array_agg(r.role ORDER BY r.role) FROM account_role r WHERE r.account_id = a.id), '{}')::text[] AS roles
FROM account a;

-- A session is a family of refresh tokens. Tokens of its present generation are good; those of the one before are good for a
-- minute after rotated_at; the use of anything older means that a token was stolen.
CREATE TABLE session (
    id         uuid        NOT NULL,
    account_id uuid        NOT NULL,
    generation bigint      NOT NULL,
    rotated_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    CONSTRAINT session_pk PRIMARY KEY (id),
    CONSTRAINT session_account_fk FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE,
    CONSTRAINT session_generation_positive CHECK (generation > 0)
);
CREATE INDEX session_account_idx ON session (account_id);
CREATE INDEX session_expires_idx ON session (expires_at);

CREATE TABLE refresh_token (
    hash       bytea  NOT NULL,
    session_id uuid   NOT NULL,
    generation bigint NOT NULL,
    CONSTRAINT refresh_token_pk PRIMARY KEY (hash),
    CONSTRAINT refresh_token_session_fk FOREIGN KEY (session_id) REFERENCES session (id) ON DELETE CASCADE,
    CONSTRAINT refresh_token_hash_is_sha256 CHECK (length(hash) = 32)
);
CREATE INDEX refresh_token_session_idx ON refresh_token (session_id, generation);

-- One token bucket a user name and a source address, named by a hash: people type passwords into the name field.
CREATE TABLE login_bucket (
    key         bytea            NOT NULL,
    tokens      double precision NOT NULL,
    refilled_at timestamptz      NOT NULL,
    CONSTRAINT login_bucket_pk PRIMARY KEY (key),
    CONSTRAINT login_bucket_not_negative CHECK (tokens >= 0)
);
CREATE INDEX login_bucket_refilled_idx ON login_bucket (refilled_at);

-- The key with the latest past signs_from signs; a later one is published before it signs.
CREATE TABLE signing_key (
    kid            text        NOT NULL,
    public_key     bytea       NOT NULL,
    sealed_private bytea       NOT NULL,
    signs_from     timestamptz NOT NULL,
    CONSTRAINT signing_key_pk PRIMARY KEY (kid),
    CONSTRAINT signing_key_signs_from_key UNIQUE (signs_from),
    CONSTRAINT signing_key_is_ed25519 CHECK (length(public_key) = 32)
);

CREATE TABLE authority (
    only_one    boolean     NOT NULL,
    certificate bytea       NOT NULL,
    sealed_key  bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT authority_pk PRIMARY KEY (only_one),
    CONSTRAINT authority_only_one CHECK (only_one)
);

CREATE TABLE agent (
    id          uuid        NOT NULL,
    gateway_id  uuid        NOT NULL,
    name        text        NOT NULL,
    public_key  bytea       NOT NULL,
    seal_key    bytea       NOT NULL,
    certificate bytea       NOT NULL,
    -- When the newest certificate ends.
    not_after   timestamptz NOT NULL,
    enrolled_at timestamptz NOT NULL,
    revoked_at  timestamptz,
    revoked_by  text,
    CONSTRAINT agent_pk PRIMARY KEY (id),
    CONSTRAINT agent_seal_key_is_x25519 CHECK (length(seal_key) = 32),
    CONSTRAINT agent_revoked_by_someone CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX agent_revoked_idx ON agent (not_after) WHERE revoked_at IS NOT NULL;

CREATE TABLE join_token (
    id         uuid        NOT NULL,
    hash       bytea       NOT NULL,
    gateway_id uuid        NOT NULL,
    created_by text        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Set at first use: the token belongs to this agent's keys from then on.
    agent_id   uuid,
    CONSTRAINT join_token_pk PRIMARY KEY (id),
    CONSTRAINT join_token_hash_key UNIQUE (hash),
    CONSTRAINT join_token_agent_fk FOREIGN KEY (agent_id) REFERENCES agent (id) ON DELETE CASCADE,
    CONSTRAINT join_token_hash_is_sha256 CHECK (length(hash) = 32)
);
CREATE INDEX join_token_agent_idx ON join_token (agent_id);

CREATE TABLE audit_line (
    id          uuid        NOT NULL,
    at          timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    actor       text        NOT NULL,
    actor_name  text        NOT NULL,
    source      text        NOT NULL,
    action      text        NOT NULL,
    object_kind text        NOT NULL,
    object_id   text        NOT NULL,
    outcome     text        NOT NULL,
    details     jsonb       NOT NULL,
    CONSTRAINT audit_line_pk PRIMARY KEY (id),
    CONSTRAINT audit_line_says_what CHECK (action <> '' AND outcome <> '')
);
CREATE INDEX audit_line_at_idx ON audit_line (at);

-- +goose StatementBegin
CREATE FUNCTION audit_line_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_line
    FOR EACH STATEMENT EXECUTE FUNCTION audit_line_refuse();

-- +goose Down
DROP TABLE audit_line;
DROP FUNCTION audit_line_refuse;
DROP TABLE join_token;
DROP TABLE agent;
DROP TABLE authority;
DROP TABLE signing_key;
DROP TABLE login_bucket;
DROP TABLE refresh_token;
DROP TABLE session;
DROP VIEW account_with_roles;
DROP TABLE account_role;
DROP TABLE account;
DROP TABLE role;
