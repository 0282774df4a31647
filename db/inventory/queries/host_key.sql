-- name: ListHostKeys :many
SELECT device_id, fingerprint, algorithm, state, first_seen_at, last_seen_at, accepted_by
FROM host_key
WHERE device_id = $1
ORDER BY last_seen_at DESC, fingerprint;

-- A key that is known is only touched once an hour: most nights nothing about it is news.
-- name: ObserveHostKeys :exec
INSERT INTO host_key (device_id, fingerprint, algorithm, key, state, first_seen_at, last_seen_at, accepted_by)
SELECT o.device_id, o.fingerprint, o.algorithm, o.key,
       CASE WHEN o.pin AND NOT EXISTS (SELECT 1 FROM host_key k WHERE k.device_id = o.device_id AND k.state = 'ACCEPTED') THEN 'ACCEPTED' ELSE 'OBSERVED' END,
       o.at, o.at,
       CASE WHEN o.pin AND NOT EXISTS (SELECT 1 FROM host_key k WHERE k.device_id = o.device_id AND k.state = 'ACCEPTED') THEN 'first contact' ELSE '' END
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(fingerprints)::text[]) AS fingerprint,
             unnest(sqlc.arg(algorithms)::text[]) AS algorithm, unnest(sqlc.arg(keys)::bytea[]) AS key, unnest(sqlc.arg(pins)::boolean[]) AS pin,
             unnest(sqlc.arg(times)::timestamptz[]) AS at) o
JOIN device d ON d.id = o.device_id
ON CONFLICT ON CONSTRAINT host_key_pk DO UPDATE
SET last_seen_at = EXCLUDED.last_seen_at
WHERE host_key.last_seen_at < EXCLUDED.last_seen_at - CASE host_key.state WHEN 'ACCEPTED' THEN interval '1 hour' ELSE interval '0' END;

-- name: LastObservedHostKey :one
SELECT fingerprint FROM host_key WHERE device_id = $1 ORDER BY last_seen_at DESC, fingerprint LIMIT 1;

-- name: AcceptHostKey :one
UPDATE host_key
SET state = 'ACCEPTED', accepted_by = sqlc.arg(accepted_by)
WHERE device_id = sqlc.arg(device_id) AND fingerprint = sqlc.arg(fingerprint)
RETURNING device_id, fingerprint, algorithm, state, first_seen_at, last_seen_at, accepted_by;
