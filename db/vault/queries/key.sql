-- name: LockFirstStart :exec
SELECT pg_advisory_xact_lock(hashtextextended('netraven vault first start', 0));

-- name: GetInstallation :one
SELECT recovery_public, tag_key FROM installation;

-- name: InsertInstallation :exec
INSERT INTO installation (only_one, recovery_public, created_at) VALUES (true, $1, $2);

-- name: PutTagKey :one
-- The first tag key stays.
UPDATE installation SET tag_key = coalesce(tag_key, sqlc.arg(tag_key)::bytea) RETURNING tag_key;

-- name: ListDeviceKeys :many
SELECT device_id, sealed, recovery FROM device_key WHERE device_id = ANY(sqlc.arg(device_ids)::uuid[]);

-- name: InsertDeviceKeys :many
-- The first key of a device stays; whoever comes second gets that one. (DO NOTHING would answer no row.)
INSERT INTO device_key AS k (device_id, sealed, recovery, created_at)
SELECT n.device_id, n.sealed, n.recovery, sqlc.arg(now)::timestamptz
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(sealed)::bytea[]) AS sealed, unnest(sqlc.arg(recovery)::bytea[]) AS recovery) AS n
ORDER BY n.device_id
ON CONFLICT (device_id) DO UPDATE SET device_id = k.device_id
RETURNING k.device_id, k.sealed, k.recovery;

-- name: AdoptDeviceKeys :exec
INSERT INTO device_key (device_id, sealed, recovery, created_at)
SELECT n.device_id, n.sealed, n.recovery, sqlc.arg(now)::timestamptz
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(sealed)::bytea[]) AS sealed, unnest(sqlc.arg(recovery)::bytea[]) AS recovery) AS n
ORDER BY n.device_id
ON CONFLICT (device_id) DO UPDATE SET sealed = excluded.sealed, recovery = excluded.recovery;

-- name: DeleteDeviceKeys :execrows
DELETE FROM device_key WHERE device_id = ANY(sqlc.arg(device_ids)::uuid[]);
