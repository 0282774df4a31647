-- name: ListDevices :many
SELECT d.id, d.name, d.site_id, d.address, d.port, d.platform, d.gateway_id, d.description, d.notes, d.enabled, d.serial, d.model, d.os_version, d.hostname, d.source,
       d.legacy, d.host_key_policy, d.newline, d.terminal_columns, d.terminal_rows, d.keepalive_seconds, d.host_key_ca, d.host_key_window, d.jump_host_id, d.last_seen_at, d.last_backup_at, d.created_at, d.updated_at, d.deleted_at,
       ARRAY(SELECT t.name FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id ORDER BY lower(t.name))::text[] AS tags
FROM device d
WHERE d.deleted_at IS NULL
  AND (lower(d.name), d.id) > (sqlc.arg(after_name)::text, sqlc.arg(after_id)::uuid)
  AND (sqlc.arg(name_part)::text = '' OR strpos(lower(d.name), lower(sqlc.arg(name_part)::text)) > 0)
  AND (sqlc.arg(platform)::text = '' OR d.platform = sqlc.arg(platform)::text)
  AND (sqlc.narg(site_id)::uuid IS NULL OR d.site_id = sqlc.narg(site_id)::uuid)
  AND (cardinality(sqlc.arg(tags)::text[]) = 0 OR EXISTS (
        SELECT 1 FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id AND lower(t.name) = ANY(sqlc.arg(tags)::text[])))
ORDER BY lower(d.name), d.id
LIMIT sqlc.arg(page_size)::integer;

-- name: ListDeletedDevices :many
SELECT d.id, d.name, d.site_id, d.address, d.port, d.platform, d.gateway_id, d.description, d.notes, d.enabled, d.serial, d.model, d.os_version, d.hostname, d.source,
       d.legacy, d.host_key_policy, d.newline, d.terminal_columns, d.terminal_rows, d.keepalive_seconds, d.host_key_ca, d.host_key_window, d.jump_host_id, d.last_seen_at, d.last_backup_at, d.created_at, d.updated_at, d.deleted_at,
       ARRAY(SELECT t.name FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id ORDER BY lower(t.name))::text[] AS tags
FROM device d
WHERE d.deleted_at IS NOT NULL
  AND (lower(d.name), d.id) > (sqlc.arg(after_name)::text, sqlc.arg(after_id)::uuid)
  AND (sqlc.arg(name_part)::text = '' OR strpos(lower(d.name), lower(sqlc.arg(name_part)::text)) > 0)
  AND (sqlc.arg(platform)::text = '' OR d.platform = sqlc.arg(platform)::text)
  AND (sqlc.narg(site_id)::uuid IS NULL OR d.site_id = sqlc.narg(site_id)::uuid)
  AND (cardinality(sqlc.arg(tags)::text[]) = 0 OR EXISTS (
        SELECT 1 FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id AND lower(t.name) = ANY(sqlc.arg(tags)::text[])))
ORDER BY lower(d.name), d.id
LIMIT sqlc.arg(page_size)::integer;

-- name: GetDevice :one
SELECT d.id, d.name, d.site_id, d.address, d.port, d.platform, d.gateway_id, d.description, d.notes, d.enabled, d.serial, d.model, d.os_version, d.hostname, d.source,
       d.legacy, d.host_key_policy, d.newline, d.terminal_columns, d.terminal_rows, d.keepalive_seconds, d.host_key_ca, d.host_key_window, d.jump_host_id, d.last_seen_at, d.last_backup_at, d.created_at, d.updated_at, d.deleted_at,
       ARRAY(SELECT t.name FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id ORDER BY lower(t.name))::text[] AS tags
FROM device d
WHERE d.id = $1 AND d.deleted_at IS NULL;

-- name: CreateDevice :exec
INSERT INTO device (id, name, site_id, address, port, platform, gateway_id, description, notes, enabled, source, legacy, host_key_policy, newline,
    terminal_columns, terminal_rows, keepalive_seconds, host_key_ca, jump_host_id, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20);

-- name: UpdateDevice :execrows
UPDATE device
SET name = $2, site_id = $3, address = $4, port = $5, platform = $6, gateway_id = $7, description = $8, notes = $9, enabled = $10, legacy = $11,
    host_key_policy = $12, newline = $13, terminal_columns = $14, terminal_rows = $15, keepalive_seconds = $16,
    host_key_ca = $17, jump_host_id = $18, updated_at = $19
WHERE id = $1 AND deleted_at IS NULL;

-- name: LockDevice :one
SELECT id FROM device WHERE id = $1 AND deleted_at IS NULL FOR UPDATE;

-- name: JumpHostExists :one
SELECT EXISTS (SELECT 1 FROM device WHERE id = $1 AND deleted_at IS NULL)::boolean;

-- name: IsJumpHost :one
SELECT (EXISTS (SELECT 1 FROM device d WHERE d.jump_host_id = sqlc.arg(id)::uuid AND d.deleted_at IS NULL)
        OR EXISTS (SELECT 1 FROM site s WHERE s.jump_host_id = sqlc.arg(id)::uuid))::boolean;

-- Changes that could make a chain of two jump hosts go one after the other.
-- name: LockJumpHosts :exec
SELECT pg_advisory_xact_lock(hashtext('inventory jump hosts'));

-- A jump host that has one itself, if there is any. What looks like a site's jump host for itself is none.
-- name: ChainedJumpHost :one
WITH used AS (
    SELECT d.jump_host_id AS id FROM device d WHERE d.jump_host_id IS NOT NULL AND d.deleted_at IS NULL
    UNION SELECT s.jump_host_id FROM site s WHERE s.jump_host_id IS NOT NULL
)
SELECT j.name AS jump_host, n.name AS next,
       (COALESCE(n.jump_host_id, ns.jump_host_id) IS NOT DISTINCT FROM j.id)::boolean AS loops
FROM used u
JOIN device j ON j.id = u.id
JOIN site js ON js.id = j.site_id
JOIN device n ON n.id = COALESCE(j.jump_host_id, js.jump_host_id) AND n.id <> j.id
JOIN site ns ON ns.id = n.site_id
LIMIT 1;

-- A device that goes is reached through nothing any more.
-- name: ForgetJumpHost :exec
UPDATE device SET jump_host_id = NULL WHERE id = $1;

-- name: DeleteDevice :execrows
UPDATE device SET deleted_at = sqlc.arg(deleted_at)::timestamptz WHERE id = sqlc.arg(id) AND deleted_at IS NULL;

-- name: RestoreDevice :execrows
UPDATE device SET deleted_at = NULL, updated_at = sqlc.arg(at)::timestamptz WHERE id = sqlc.arg(id) AND deleted_at IS NOT NULL;
