-- name: HasHistory :one
SELECT EXISTS (SELECT 1 FROM revision WHERE device_id = $1);

-- name: OrderShred :exec
INSERT INTO shredded AS s (device_id, ordered_at) VALUES (sqlc.arg(device_id), sqlc.arg(at))
ON CONFLICT ON CONSTRAINT shredded_pk DO UPDATE SET ordered_at = GREATEST(EXCLUDED.ordered_at, s.done_at + interval '1 microsecond');

-- name: ShredOriginals :execrows
DELETE FROM original o USING revision r WHERE r.id = o.revision_id AND r.device_id = $1;

-- The next result must come with its bytes: they are the next original.
-- name: ForgetLabels :exec
WITH suspects AS (
    UPDATE suspect s SET label = '', digest = '' FROM revision r WHERE r.id = s.revision_id AND r.device_id = sqlc.arg(device_id)
)
UPDATE artifact a SET label = '', digest = '' WHERE a.device_id = sqlc.arg(device_id);

-- One transaction at a time, so that the times are in the order of the commits.
-- name: LockShredded :exec
LOCK TABLE shredded IN SHARE ROW EXCLUSIVE MODE;

-- name: FinishShred :one
UPDATE shredded s
SET done_at = GREATEST(sqlc.arg(at)::timestamptz, s.ordered_at, (SELECT max(d.done_at) + interval '1 microsecond' FROM shredded d),
                       (SELECT max(e.done_at) + interval '1 microsecond' FROM erasure e))
WHERE s.device_id = sqlc.arg(device_id)
RETURNING s.done_at;

-- name: GetShredded :one
SELECT device_id, ordered_at, done_at FROM shredded WHERE device_id = $1;

-- name: UnfinishedShreds :many
SELECT device_id FROM shredded WHERE done_at IS NULL OR done_at < ordered_at ORDER BY ordered_at;

-- name: ShreddedSince :many
SELECT device_id, done_at FROM shredded WHERE done_at > sqlc.arg(since)::timestamptz ORDER BY done_at;
