-- name: ListHostKeys :many
SELECT device_id, fingerprint, algorithm, state, first_seen_at, last_seen_at, accepted_by
FROM host_key
WHERE device_id = $1
ORDER BY last_seen_at DESC, fingerprint;

-- What is new of observed keys, before they are written: of keys that are not accepted, whether the device has others that are, and whether a
-- replacement is planned.
-- name: HostKeyNews :many
SELECT d.id AS device_id, o.fingerprint::text AS fingerprint, (d.host_key_window IS NOT NULL)::boolean AS planned, d.host_key_window_by AS planned_by,
       (k.state IS NULL)::boolean AS unknown, (d.host_key_policy = 'CA')::boolean AS certified,
       EXISTS (SELECT 1 FROM host_key a WHERE a.device_id = o.device_id AND a.state = 'ACCEPTED')::boolean AS pinned
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(fingerprints)::text[]) AS fingerprint) o
JOIN device d ON d.id = o.device_id
LEFT JOIN host_key k ON k.device_id = o.device_id AND k.fingerprint = o.fingerprint
WHERE k.state IS DISTINCT FROM 'ACCEPTED';

-- name: LockWindows :exec
SELECT id FROM device WHERE id = ANY(sqlc.arg(ids)::uuid[]) ORDER BY id FOR UPDATE;

-- A key that is known is only touched once an hour: most nights nothing about it is news.
-- name: ObserveHostKeys :exec
INSERT INTO host_key (device_id, fingerprint, algorithm, key, state, first_seen_at, last_seen_at, accepted_by)
SELECT o.device_id, o.fingerprint, o.algorithm, o.key,
       CASE WHEN o.pin AND (d.host_key_window IS NOT NULL OR NOT EXISTS (SELECT 1 FROM host_key k WHERE k.device_id = o.device_id AND k.state = 'ACCEPTED'))
            THEN 'ACCEPTED' ELSE 'OBSERVED' END,
       o.at, o.at,
       CASE WHEN o.pin AND d.host_key_window IS NOT NULL THEN 'replacement planned by ' || d.host_key_window_by
            WHEN o.pin AND NOT EXISTS (SELECT 1 FROM host_key k WHERE k.device_id = o.device_id AND k.state = 'ACCEPTED') THEN 'first contact'
            ELSE '' END
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(fingerprints)::text[]) AS fingerprint,
             unnest(sqlc.arg(algorithms)::text[]) AS algorithm, unnest(sqlc.arg(keys)::bytea[]) AS key, unnest(sqlc.arg(pins)::boolean[]) AS pin,
             unnest(sqlc.arg(times)::timestamptz[]) AS at) o
JOIN device d ON d.id = o.device_id
ON CONFLICT ON CONSTRAINT host_key_pk DO UPDATE
SET last_seen_at = GREATEST(host_key.last_seen_at, EXCLUDED.last_seen_at),
    state = CASE EXCLUDED.state WHEN 'ACCEPTED' THEN 'ACCEPTED' ELSE host_key.state END,
    accepted_by = CASE WHEN host_key.state = 'OBSERVED' THEN EXCLUDED.accepted_by ELSE host_key.accepted_by END
WHERE host_key.last_seen_at < EXCLUDED.last_seen_at - CASE host_key.state WHEN 'ACCEPTED' THEN interval '1 hour' ELSE interval '0' END
   OR (host_key.last_seen_at < EXCLUDED.last_seen_at AND EXISTS ( -- which key was shown last decides what a person can accept
           SELECT 1 FROM host_key n WHERE n.device_id = host_key.device_id AND n.fingerprint <> host_key.fingerprint AND n.last_seen_at >= host_key.last_seen_at))
   OR (EXCLUDED.state = 'ACCEPTED' AND host_key.state = 'OBSERVED');

-- name: SetHostKeyWindow :execrows
UPDATE device SET host_key_window = $2, host_key_window_by = $3 WHERE id = $1 AND deleted_at IS NULL;

-- name: CloseHostKeyWindows :exec
UPDATE device SET host_key_window = NULL, host_key_window_by = '' WHERE id = ANY(sqlc.arg(ids)::uuid[]);

-- name: ListWaitingHostKeys :many
SELECT d.name AS device_name, k.device_id, k.fingerprint, k.algorithm, k.state, k.first_seen_at, k.last_seen_at, k.accepted_by
FROM host_key k
JOIN device d ON d.id = k.device_id
WHERE k.state = 'OBSERVED' AND d.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM host_key o WHERE o.device_id = k.device_id AND (o.last_seen_at, k.fingerprint) > (k.last_seen_at, o.fingerprint))
  AND (lower(d.name), d.id) > (sqlc.arg(after_name)::text, sqlc.arg(after_id)::uuid)
ORDER BY lower(d.name), d.id
LIMIT sqlc.arg(page_size)::integer;

-- name: ForgetHostKey :execrows
DELETE FROM host_key WHERE device_id = $1 AND fingerprint = $2;

-- name: LastObservedHostKey :one
SELECT fingerprint FROM host_key WHERE device_id = $1 ORDER BY last_seen_at DESC, fingerprint LIMIT 1;

-- name: AcceptHostKey :one
UPDATE host_key
SET state = 'ACCEPTED', accepted_by = sqlc.arg(accepted_by)
WHERE host_key.device_id = sqlc.arg(device_id) AND host_key.fingerprint = sqlc.arg(fingerprint)
  AND NOT EXISTS (SELECT 1 FROM host_key n WHERE n.device_id = host_key.device_id AND n.last_seen_at > host_key.last_seen_at)
RETURNING device_id, fingerprint, algorithm, state, first_seen_at, last_seen_at, accepted_by;
