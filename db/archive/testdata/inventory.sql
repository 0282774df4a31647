UPDATE gateway SET name = 'renamed', max_sessions = 7;
INSERT INTO site VALUES ('01900000-0000-7000-8000-000000000011', E'site\twith tab', '00000000-0000-7000-8000-000000000001', now(), now());
INSERT INTO tag VALUES ('01900000-0000-7000-8000-000000000012', 'core');
INSERT INTO device (id, name, site_id, address, port, platform, enabled, source, legacy, host_key_policy, created_at, updated_at)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'device-' || n, '01900000-0000-7000-8000-000000000011', '192.0.2.1', 22, 'cisco_ios', true, 'test', false, 'TOFU', now(), now()
FROM generate_series(1000, 21000) n;
INSERT INTO device_tag VALUES ('01900000-0000-7000-8000-0000000003e8', '01900000-0000-7000-8000-000000000012');
INSERT INTO host_key VALUES ('01900000-0000-7000-8000-0000000003e8', 'SHA256:x', 'ssh-ed25519', E'\\x0000', 'ACCEPTED', now(), now());
-- More than one part of a dump.
INSERT INTO platform_page SELECT 'sha256:' || n, 'cisco_ios', decode(repeat(md5(n::text), 20000), 'hex'), now() FROM generate_series(1, 20) n;
INSERT INTO custom_platform (name, digest, page, updated_by, created_at, updated_at) VALUES ('acme_os', 'b0b1', '\x6e616d653a2061636d655f6f73', 'ann', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
