-- +goose Up
-- No secret stands here in the clear. A credential's secrets are sealed (AES-256-GCM) under a data key of that version alone, data keys under
-- the key-encryption key, which is not in the database; devices' data keys also under the offline recovery key, whose private part is nowhere
-- on the server once the operator moved it away.

CREATE TABLE installation (
    only_one        boolean     NOT NULL,
    recovery_public bytea       NOT NULL,
    -- The key of the secret tags in masked text; made when it is first asked for.
    tag_key         bytea,
    created_at      timestamptz NOT NULL,
    CONSTRAINT installation_pk PRIMARY KEY (only_one),
    CONSTRAINT installation_only_one CHECK (only_one),
    CONSTRAINT installation_recovery_is_x25519 CHECK (length(recovery_public) = 32)
);

CREATE TABLE credential (
    id                uuid        NOT NULL,
    name              text        NOT NULL,
    username          text        NOT NULL,
    -- As it was set; UNSPECIFIED means SECRET where an enable secret is set, else NONE.
    enable            text        NOT NULL,
    tags              text[]      NOT NULL,
    -- The tags in lower case: they are compared ignoring case.
    tag_keys          text[]      NOT NULL,
    device_ids        uuid[]      NOT NULL,
    priority          integer     NOT NULL,
    logins_per_second integer     NOT NULL,
    -- 0: the default.
    max_in_flight     integer     NOT NULL,
    local_fallback    boolean     NOT NULL,
    version           integer     NOT NULL,
    secrets_set       text[]      NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT credential_pk PRIMARY KEY (id),
    CONSTRAINT credential_named CHECK (name <> '' AND username <> ''),
    CONSTRAINT credential_enable_known CHECK (enable IN ('UNSPECIFIED', 'NONE', 'LOGIN_PASSWORD', 'SECRET')),
    CONSTRAINT credential_enable_has_secret CHECK (enable <> 'SECRET' OR 'enable_secret' = ANY (secrets_set)),
    CONSTRAINT credential_can_log_in CHECK (secrets_set && ARRAY['password', 'private_key']),
    CONSTRAINT credential_tags_twice CHECK (cardinality(tags) = cardinality(tag_keys)),
    CONSTRAINT credential_priority_range CHECK (priority BETWEEN 0 AND 100000),
    CONSTRAINT credential_rate_range CHECK (logins_per_second BETWEEN 1 AND 1000),
    CONSTRAINT credential_in_flight_range CHECK (max_in_flight BETWEEN 0 AND 10000),
    CONSTRAINT credential_version_positive CHECK (version > 0)
);
CREATE UNIQUE INDEX credential_name_key ON credential (lower(name));
CREATE INDEX credential_tag_keys_idx ON credential USING gin (tag_keys);
CREATE INDEX credential_device_ids_idx ON credential USING gin (device_ids);

-- The present version's secrets; those of earlier versions are gone for good.
CREATE TABLE credential_secret (
    credential_id uuid    NOT NULL,
    version       integer NOT NULL,
    data_key      bytea   NOT NULL,
    password      bytea,
    private_key   bytea,
    passphrase    bytea,
    enable_secret bytea,
    CONSTRAINT credential_secret_pk PRIMARY KEY (credential_id),
    CONSTRAINT credential_secret_credential_fk FOREIGN KEY (credential_id) REFERENCES credential (id) ON DELETE CASCADE,
    CONSTRAINT credential_secret_can_log_in CHECK (password IS NOT NULL OR private_key IS NOT NULL)
);

-- How a credential fares, and what is left of its caps. Narrow and updated in place, because every claim and every report writes it.
CREATE TABLE credential_use (
    credential_id  uuid             NOT NULL,
    -- The present version has not yet worked, or has just failed.
    probation      boolean          NOT NULL,
    -- The present version has worked at least once.
    worked         boolean          NOT NULL,
    -- Refusals since the last success of the present version.
    streak         integer          NOT NULL,
    paused_until   timestamptz,
    -- Pauses since the last success of the present version.
    pauses         integer          NOT NULL,
    -- When the present version began: outcomes of reservations before it say nothing about it.
    version_since  timestamptz      NOT NULL,
    successes      integer          NOT NULL,
    failures       integer          NOT NULL,
    last_used_at   timestamptz,
    last_failed_at timestamptz,
    -- Token bucket of logins.
    tokens         double precision NOT NULL,
    refilled_at    timestamptz      NOT NULL,
    -- Counted reservations that list the credential.
    in_flight      integer          NOT NULL,
    CONSTRAINT credential_use_pk PRIMARY KEY (credential_id),
    CONSTRAINT credential_use_credential_fk FOREIGN KEY (credential_id) REFERENCES credential (id) ON DELETE CASCADE,
    CONSTRAINT credential_use_not_negative CHECK (streak >= 0 AND pauses >= 0 AND tokens >= 0 AND in_flight >= 0)
) WITH (fillfactor = 50);

-- Which credential a device let in last.
CREATE TABLE last_good (
    device_id     uuid        NOT NULL,
    credential_id uuid        NOT NULL,
    at            timestamptz NOT NULL,
    CONSTRAINT last_good_pk PRIMARY KEY (device_id),
    CONSTRAINT last_good_credential_fk FOREIGN KEY (credential_id) REFERENCES credential (id) ON DELETE CASCADE
);
CREATE INDEX last_good_credential_idx ON last_good (credential_id);

-- The credentials that one attempt may try. Deleted by its report; counted against the caps until then, but not past the deadline.
CREATE TABLE reservation (
    task_id        uuid        NOT NULL,
    fence          bigint      NOT NULL,
    device_id      uuid        NOT NULL,
    credential_ids uuid[]      NOT NULL,
    deadline       timestamptz NOT NULL,
    counted        boolean     NOT NULL,
    created_at     timestamptz NOT NULL,
    CONSTRAINT reservation_pk PRIMARY KEY (task_id, fence),
    CONSTRAINT reservation_not_empty CHECK (cardinality(credential_ids) > 0)
);
CREATE INDEX reservation_deadline_idx ON reservation (deadline);

CREATE TABLE device_key (
    device_id  uuid        NOT NULL,
    -- The data key under the key-encryption key.
    sealed     bytea       NOT NULL,
    -- The data key under the offline recovery key.
    recovery   bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT device_key_pk PRIMARY KEY (device_id)
);

-- +goose Down
DROP TABLE device_key;
DROP TABLE reservation;
DROP TABLE last_good;
DROP TABLE credential_use;
DROP TABLE credential_secret;
DROP TABLE credential;
DROP TABLE installation;
