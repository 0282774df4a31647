-- name: FindReservations :many
SELECT r.task_id, r.fence, r.device_id, r.credential_ids, r.deadline, r.counted, r.created_at, r.sealed_at
FROM reservation r
JOIN (SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence) AS k ON r.task_id = k.task_id AND r.fence = k.fence;

-- name: InsertReservations :exec
INSERT INTO reservation (task_id, fence, device_id, credential_ids, deadline, counted, created_at)
SELECT unnest(sqlc.arg(task_ids)::uuid[]), unnest(sqlc.arg(fences)::bigint[]), unnest(sqlc.arg(device_ids)::uuid[]),
       string_to_array(unnest(sqlc.arg(credential_ids)::text[]), ' ')::uuid[], unnest(sqlc.arg(deadlines)::timestamptz[]), true,
       sqlc.arg(now)::timestamptz;

-- name: TakeReservations :many
-- Each reservation is taken once: the first report counts, a repeat finds nothing.
WITH mine AS (
    SELECT r.task_id, r.fence FROM reservation r
    JOIN (SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence) AS k ON r.task_id = k.task_id AND r.fence = k.fence
    ORDER BY r.task_id, r.fence FOR UPDATE OF r
)
DELETE FROM reservation r USING mine WHERE r.task_id = mine.task_id AND r.fence = mine.fence
RETURNING r.task_id, r.fence, r.device_id, r.credential_ids, r.deadline, r.counted, r.created_at, r.sealed_at;

-- name: ExpireReservations :many
-- An expired reservation counts no longer; it stays for a late report.
WITH due AS (
    SELECT r.task_id, r.fence FROM reservation r WHERE r.deadline < sqlc.arg(now) AND r.counted
    ORDER BY r.task_id, r.fence LIMIT 10000 FOR UPDATE SKIP LOCKED
)
UPDATE reservation r SET counted = false FROM due WHERE r.task_id = due.task_id AND r.fence = due.fence
RETURNING r.task_id, r.fence, r.device_id, r.credential_ids, r.deadline, r.counted, r.created_at, r.sealed_at;

-- name: SupersedeReservations :many
-- A task that asks again has no earlier attempt at work: what those reserved counts no longer; it stays for a late report.
WITH earlier AS (
    SELECT r.task_id, r.fence FROM reservation r
    JOIN (SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence) AS k ON r.task_id = k.task_id AND r.fence < k.fence
    WHERE r.counted ORDER BY r.task_id, r.fence FOR UPDATE OF r
)
UPDATE reservation r SET counted = false FROM earlier WHERE r.task_id = earlier.task_id AND r.fence = earlier.fence
RETURNING r.task_id, r.fence, r.device_id, r.credential_ids, r.deadline, r.counted, r.created_at, r.sealed_at;

-- name: DeleteOldReservations :execrows
DELETE FROM reservation WHERE deadline < sqlc.arg(before) AND NOT counted;

-- name: LockUses :many
SELECT credential_id, probation, worked, streak, paused_until, pauses, version_since, successes, failures, last_used_at, last_failed_at, tokens, refilled_at, in_flight
FROM credential_use WHERE credential_id = ANY(sqlc.arg(ids)::uuid[]) ORDER BY credential_id FOR UPDATE;

-- name: SaveBudgets :exec
UPDATE credential_use u SET tokens = k.tokens, refilled_at = sqlc.arg(now)::timestamptz, in_flight = k.in_flight
FROM (SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(tokens)::double precision[]) AS tokens, unnest(sqlc.arg(in_flights)::integer[]) AS in_flight) AS k
WHERE u.credential_id = k.id;

-- name: SaveUse :batchexec
UPDATE credential_use SET probation = $2, worked = $3, streak = $4, paused_until = $5, successes = $6, failures = $7, last_used_at = $8,
                          last_failed_at = $9, in_flight = $10, pauses = $11
WHERE credential_id = $1;

-- name: ListDeviceState :many
-- What is known of devices: the credential they let in last, and whether they have a data key.
SELECT d.id::uuid AS device_id, g.credential_id AS last_good, (k.device_id IS NOT NULL)::boolean AS has_key
FROM unnest(sqlc.arg(device_ids)::uuid[]) AS d (id)
LEFT JOIN last_good g ON g.device_id = d.id
LEFT JOIN device_key k ON k.device_id = d.id;

-- name: PutLastGood :exec
INSERT INTO last_good (device_id, credential_id, at)
SELECT k.device_id, k.credential_id, sqlc.arg(now)::timestamptz
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(credential_ids)::uuid[]) AS credential_id) AS k
JOIN credential c ON c.id = k.credential_id
ORDER BY k.device_id
ON CONFLICT (device_id) DO UPDATE SET credential_id = EXCLUDED.credential_id, at = EXCLUDED.at
WHERE last_good.credential_id <> EXCLUDED.credential_id;

-- name: DropLastGood :exec
DELETE FROM last_good g USING (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(credential_ids)::uuid[]) AS credential_id) AS k
WHERE g.device_id = k.device_id AND g.credential_id = k.credential_id;

-- name: OpenReservation :many
-- All that a grant needs, in one statement: a row a credential that still exists. Where no credential is in probation, which is nearly always, it also
-- notes that the grant is sealed. What a report learns while it runs comes after it.
WITH sealing AS (
    UPDATE reservation r SET sealed_at = sqlc.arg(now)::timestamptz
    WHERE r.task_id = sqlc.arg(task_id) AND r.fence = sqlc.arg(fence) AND r.device_id = sqlc.arg(device_id) AND r.deadline > sqlc.arg(now)::timestamptz
      AND r.counted AND r.sealed_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM credential_use u WHERE u.credential_id = ANY(r.credential_ids) AND u.probation)
    RETURNING r.task_id
)
SELECT r.device_id, r.credential_ids, r.deadline, k.sealed AS device_key, c.id, c.name, c.username, c.enable, s.version, s.data_key, s.password, s.private_key, s.passphrase,
       s.enable_secret, (r.sealed_at IS NOT NULL OR EXISTS (SELECT 1 FROM sealing))::boolean AS granted
FROM reservation r
JOIN device_key k ON k.device_id = r.device_id
JOIN credential c ON c.id = ANY(r.credential_ids)
JOIN credential_secret s ON s.credential_id = c.id
WHERE r.task_id = sqlc.arg(task_id) AND r.fence = sqlc.arg(fence) AND r.device_id = sqlc.arg(device_id) AND r.deadline > sqlc.arg(now)::timestamptz;

-- name: LockReservation :one
SELECT r.task_id, r.fence, r.device_id, r.credential_ids, r.deadline, r.counted, r.created_at, r.sealed_at
FROM reservation r WHERE r.task_id = $1 AND r.fence = $2 FOR UPDATE;

-- name: LockListed :many
SELECT sqlc.embed(c), sqlc.embed(u)
FROM credential c JOIN credential_use u ON u.credential_id = c.id
WHERE c.id = ANY(sqlc.arg(ids)::uuid[])
ORDER BY c.id
FOR UPDATE OF u;

-- name: CountSealed :many
-- How many grants are sealed and unreported, for each credential that has any. The deadline keeps the read to what is in flight.
SELECT k.id::uuid AS credential_id, count(*) AS sealed
FROM reservation r CROSS JOIN unnest(r.credential_ids) AS k (id)
WHERE r.deadline > sqlc.arg(now) AND r.counted AND r.sealed_at IS NOT NULL AND k.id = ANY(sqlc.arg(ids)::uuid[])
GROUP BY k.id;

-- name: SealReservation :exec
UPDATE reservation SET sealed_at = sqlc.arg(now)::timestamptz, credential_ids = sqlc.arg(credential_ids) WHERE task_id = sqlc.arg(task_id) AND fence = sqlc.arg(fence);

-- name: UncountReservation :exec
UPDATE reservation SET counted = false WHERE task_id = $1 AND fence = $2;

-- name: FreePlaces :exec
UPDATE credential_use SET in_flight = greatest(0, in_flight - 1) WHERE credential_id = ANY(sqlc.arg(ids)::uuid[]);
