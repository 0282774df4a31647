-- +goose Up
CREATE TABLE gateway (
    id uuid CONSTRAINT gateway_pk PRIMARY KEY,
    name text NOT NULL CONSTRAINT gateway_name_check CHECK (name <> ''),
    max_sessions integer NOT NULL CONSTRAINT gateway_max_sessions_check CHECK (max_sessions BETWEEN 1 AND 5000),
    logins_per_second integer NOT NULL CONSTRAINT gateway_logins_per_second_check CHECK (logins_per_second BETWEEN 1 AND 5000),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX gateway_name_key ON gateway (lower(name));

CREATE TABLE site (
    id uuid CONSTRAINT site_pk PRIMARY KEY,
    name text NOT NULL CONSTRAINT site_name_check CHECK (name <> ''),
    gateway_id uuid NOT NULL CONSTRAINT site_gateway_fk REFERENCES gateway (id),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX site_name_key ON site (lower(name));
CREATE INDEX site_gateway_idx ON site (gateway_id);

CREATE TABLE tag (
    id uuid CONSTRAINT tag_pk PRIMARY KEY,
    name text NOT NULL CONSTRAINT tag_name_check CHECK (name <> '')
);
CREATE UNIQUE INDEX tag_name_key ON tag (lower(name));

CREATE TABLE device (
    id uuid CONSTRAINT device_pk PRIMARY KEY,
    name text NOT NULL CONSTRAINT device_name_check CHECK (name <> ''),
    site_id uuid NOT NULL CONSTRAINT device_site_fk REFERENCES site (id),
    address text NOT NULL CONSTRAINT device_address_check CHECK (address <> ''),
    port integer NOT NULL CONSTRAINT device_port_check CHECK (port BETWEEN 1 AND 65535),
    platform text NOT NULL,
    gateway_id uuid CONSTRAINT device_gateway_fk REFERENCES gateway (id),
    description text NOT NULL DEFAULT '',
    notes text NOT NULL DEFAULT '',
    enabled boolean NOT NULL,
    serial text NOT NULL DEFAULT '',
    model text NOT NULL DEFAULT '',
    os_version text NOT NULL DEFAULT '',
    source text NOT NULL,
    legacy boolean NOT NULL,
    host_key_policy text NOT NULL CONSTRAINT device_host_key_policy_check CHECK (host_key_policy IN ('TOFU', 'STRICT', 'INSECURE')),
    last_seen_at timestamptz,
    last_backup_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- A deleted device stays as a tombstone: its id keeps its history readable.
    deleted_at timestamptz
);
CREATE UNIQUE INDEX device_name_key ON device (site_id, lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX device_list_idx ON device (lower(name), id) WHERE deleted_at IS NULL;
CREATE INDEX device_gateway_idx ON device (gateway_id) WHERE gateway_id IS NOT NULL;

CREATE TABLE device_tag (
    device_id uuid NOT NULL CONSTRAINT device_tag_device_fk REFERENCES device (id) ON DELETE CASCADE,
    tag_id uuid NOT NULL CONSTRAINT device_tag_tag_fk REFERENCES tag (id),
    CONSTRAINT device_tag_pk PRIMARY KEY (device_id, tag_id)
);
CREATE INDEX device_tag_tag_idx ON device_tag (tag_id, device_id);

CREATE TABLE host_key (
    device_id uuid NOT NULL CONSTRAINT host_key_device_fk REFERENCES device (id) ON DELETE CASCADE,
    fingerprint text NOT NULL,
    algorithm text NOT NULL,
    -- SSH wire format.
    key bytea NOT NULL,
    state text NOT NULL CONSTRAINT host_key_state_check CHECK (state IN ('ACCEPTED', 'OBSERVED')),
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    accepted_by text NOT NULL DEFAULT '',
    CONSTRAINT host_key_pk PRIMARY KEY (device_id, fingerprint)
);

-- Every platform page that was ever current here: a result can name one that has been replaced since.
CREATE TABLE platform_page (
    digest text CONSTRAINT platform_page_pk PRIMARY KEY,
    platform text NOT NULL,
    page bytea NOT NULL,
    created_at timestamptz NOT NULL
);

INSERT INTO gateway (id, name, max_sessions, logins_per_second, created_at, updated_at)
VALUES ('00000000-0000-7000-8000-000000000001', 'local', 50, 20, now(), now());
INSERT INTO site (id, name, gateway_id, created_at, updated_at)
VALUES ('00000000-0000-7000-8000-000000000002', 'default', '00000000-0000-7000-8000-000000000001', now(), now());

-- +goose Down
DROP TABLE platform_page;
DROP TABLE host_key;
DROP TABLE device_tag;
DROP TABLE device;
DROP TABLE tag;
DROP TABLE site;
DROP TABLE gateway;
