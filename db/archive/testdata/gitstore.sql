UPDATE repository SET head = repeat('a', 40);
INSERT INTO revision VALUES ('01900000-0000-7000-8000-000000000061', '01900000-0000-7000-8000-0000000003e8', 'running.cfg', 1, 10, 10, 0, false, 'netraven', repeat('a', 40), repeat('b', 40), 'd',
    '01900000-0000-7000-8000-000000000052', '01900000-0000-7000-8000-000000000031', 3, now());
INSERT INTO artifact VALUES ('01900000-0000-7000-8000-0000000003e8', 'running.cfg', 'a/b/running.cfg', '01900000-0000-7000-8000-000000000061', 1, repeat('b', 40), 'd', 'l', 'd', 3, now());
INSERT INTO original VALUES ('01900000-0000-7000-8000-000000000061', decode(repeat('00ff', 5000), 'hex'), '01900000-0000-7000-8000-000000000031', 3, 10);
INSERT INTO stored_attempt VALUES ('01900000-0000-7000-8000-000000000031', 3, '01900000-0000-7000-8000-0000000003e8', true, false, ARRAY['01900000-0000-7000-8000-000000000061'::uuid], now());
INSERT INTO revision VALUES ('01900000-0000-7000-8000-000000000062', '01900000-0000-7000-8000-0000000003e8', 'running.cfg', 0, 1, 0, 9, true, 'netraven', '', '', 'e',
    '01900000-0000-7000-8000-000000000052', '01900000-0000-7000-8000-000000000032', 4, now());
INSERT INTO suspect VALUES ('01900000-0000-7000-8000-000000000062', decode('00ff', 'hex'), 'l', 'e', 4, now());
INSERT INTO stored_attempt VALUES ('01900000-0000-7000-8000-000000000032', 4, '01900000-0000-7000-8000-0000000003e8', false, false, '{}', now(), decode('0a01', 'hex'));
INSERT INTO reindexed VALUES ('01900000-0000-7000-8000-000000000061', '01900000-0000-7000-8000-0000000003e8', 'running.cfg', 1, 10, 10, 0, 'netraven', repeat('a', 40), repeat('b', 40), 'd',
    '01900000-0000-7000-8000-000000000052', '01900000-0000-7000-8000-000000000031', 3, now(), 'configs', 'configs', 'a/b/running.cfg', 3);
INSERT INTO remote VALUES ('01900000-0000-7000-8000-000000000072', 'central', 'configs', 'git@git.example.net:configs.git', '', '01900000-0000-7000-8000-000000000071', ARRAY['private_key'],
    'ssh-ed25519 AAAA', true, '', true, now(), now(), 2, repeat('a', 40), now(), NULL, 'REMOTE_TIMEOUT', 'it hangs', now(), 1, now());
INSERT INTO gone VALUES ('01900000-0000-7000-8000-000000000061', '01900000-0000-7000-8000-0000000003e8', 'running.cfg', decode('00ff0a', 'hex'));
INSERT INTO shredded VALUES ('01900000-0000-7000-8000-0000000003e8', now(), now());
INSERT INTO erasure VALUES ('01900000-0000-7000-8000-000000000071', 'configs', repeat('c', 40), repeat('a', 40), now(), now());
INSERT INTO erased_commit VALUES ('configs', repeat('c', 40), repeat('a', 40));
