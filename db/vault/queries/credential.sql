-- name: InsertCredential :exec
INSERT INTO credential (id, name, username, enable, tags, tag_keys, device_ids, priority, logins_per_second, max_in_flight, local_fallback,
                        version, secrets_set, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: UpdateCredential :exec
UPDATE credential SET name = $2, username = $3, enable = $4, tags = $5, tag_keys = $6, device_ids = $7, priority = $8, logins_per_second = $9,
                      max_in_flight = $10, local_fallback = $11, version = $12, secrets_set = $13, updated_at = $14
WHERE id = $1;

-- name: DeleteCredential :execrows
DELETE FROM credential WHERE id = $1;

-- name: GetCredential :one
SELECT sqlc.embed(c), sqlc.embed(u)
FROM credential c JOIN credential_use u ON u.credential_id = c.id
WHERE c.id = $1;

-- name: ListCredentials :many
SELECT sqlc.embed(c), sqlc.embed(u)
FROM credential c JOIN credential_use u ON u.credential_id = c.id
WHERE lower(c.name) > lower(sqlc.arg(after)::text)
ORDER BY lower(c.name)
LIMIT sqlc.arg(page_size);

-- name: ListApplicable :many
SELECT sqlc.embed(c), sqlc.embed(u)
FROM credential c JOIN credential_use u ON u.credential_id = c.id
WHERE c.tag_keys && sqlc.arg(tag_keys)::text[] OR c.device_ids && sqlc.arg(device_ids)::uuid[]
ORDER BY c.id;

-- name: LockApplicable :many
-- As ListApplicable; the row locks, always taken in the order of ids, make claims that share credentials take turns.
SELECT sqlc.embed(c), sqlc.embed(u)
FROM credential c JOIN credential_use u ON u.credential_id = c.id
WHERE c.tag_keys && sqlc.arg(tag_keys)::text[] OR c.device_ids && sqlc.arg(device_ids)::uuid[]
ORDER BY c.id
FOR UPDATE OF u;

-- name: LockCredential :one
-- Two updates of one credential take turns. What is read in the same statement would be as old as its beginning: read it in the next one.
SELECT credential_id FROM credential_use WHERE credential_id = $1 FOR UPDATE;

-- name: GetSecret :one
SELECT credential_id, version, data_key, password, private_key, passphrase, enable_secret FROM credential_secret WHERE credential_id = $1;

-- name: PutSecret :exec
INSERT INTO credential_secret (credential_id, version, data_key, password, private_key, passphrase, enable_secret)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (credential_id) DO UPDATE SET version = EXCLUDED.version, data_key = EXCLUDED.data_key, password = EXCLUDED.password,
    private_key = EXCLUDED.private_key, passphrase = EXCLUDED.passphrase, enable_secret = EXCLUDED.enable_secret;

-- name: InsertUse :exec
-- The bucket begins full: more than any burst is cut to the burst.
INSERT INTO credential_use (credential_id, probation, worked, streak, pauses, version_since, successes, failures, tokens, refilled_at, in_flight)
VALUES ($1, true, false, 0, 0, sqlc.arg(now), 0, 0, 1000, sqlc.arg(now), 0);

-- name: BeginVersion :exec
-- A changed secret has proved nothing yet. What is in flight still counts.
UPDATE credential_use SET probation = true, worked = false, streak = 0, paused_until = NULL, pauses = 0, version_since = sqlc.arg(now) WHERE credential_id = $1;
