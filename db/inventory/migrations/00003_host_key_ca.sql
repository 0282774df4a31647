-- +goose Up
ALTER TABLE site ADD COLUMN host_key_ca text NOT NULL DEFAULT '';
ALTER TABLE device
    ADD COLUMN host_key_ca text NOT NULL DEFAULT '',
    DROP CONSTRAINT device_host_key_policy_check,
    ADD CONSTRAINT device_host_key_policy_check CHECK (host_key_policy IN ('TOFU', 'STRICT', 'INSECURE', 'CA'));

-- +goose Down
UPDATE device SET host_key_policy = 'STRICT' WHERE host_key_policy = 'CA';
ALTER TABLE device
    DROP CONSTRAINT device_host_key_policy_check,
    ADD CONSTRAINT device_host_key_policy_check CHECK (host_key_policy IN ('TOFU', 'STRICT', 'INSECURE')),
    DROP COLUMN host_key_ca;
ALTER TABLE site DROP COLUMN host_key_ca;
