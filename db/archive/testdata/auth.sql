-- One row or more for every table, with values that are hard to carry: tabs, line ends, backslashes, quotes, NULL beside empty, arrays, bytes.
INSERT INTO role VALUES ('admin', E'tab\there, line\nend, return\r, back\\slash, \\N and \\. and "quotes" and ''these''', ARRAY['*']),
    ('empty', '', '{}'), ('odd', 'räven 🦊', ARRAY['a,b', '{c}', '"d"', '', 'NULL', E'e\\f\ng']);
INSERT INTO account VALUES
    ('01900000-0000-7000-8000-000000000001', 'ann', '$argon2id$v=19$m=65536,t=3,p=2$c2FsdA$aGFzaA', false, true, '2026-01-02 03:04:05.678901+02', NULL),
    ('01900000-0000-7000-8000-000000000002', 'bob', '$argon2id$x', true, false, '0044-03-15 12:00:00+00 BC', 'infinity');
INSERT INTO account_role VALUES ('01900000-0000-7000-8000-000000000001', 'admin');
INSERT INTO session VALUES ('01900000-0000-7000-8000-000000000003', '01900000-0000-7000-8000-000000000001', 9223372036854775807, now(), now(), now(), NULL);
INSERT INTO refresh_token VALUES (sha256('token'), '01900000-0000-7000-8000-000000000003', 1);
INSERT INTO login_bucket VALUES (E'\\x00ff5c09', 0.1::float8 + 0.2::float8, now()), (E'\\x', 'Infinity', now()), (E'\\x01', 5e-324, now());
INSERT INTO signing_key VALUES ('k1', sha256('public'), E'\\x00010203fffe', '-infinity');
INSERT INTO authority VALUES (true, E'\\x30', E'\\x31', now());
INSERT INTO agent VALUES ('01900000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-000000000001', 'local', E'\\x01', sha256('seal'), E'\\x02', now(), now(), NULL, NULL);
INSERT INTO join_token VALUES ('01900000-0000-7000-8000-000000000005', sha256('join'), '00000000-0000-7000-8000-000000000001', 'ann', now(), now(), '01900000-0000-7000-8000-000000000004');
INSERT INTO audit_line VALUES ('01900000-0000-7000-8000-000000000006', now(), now(), 'x', 'ann', '::1', 'session.create', 'account', 'x', 'OK', '{"b": [1, 2.50, null], "a": "\u00e4\n"}');
