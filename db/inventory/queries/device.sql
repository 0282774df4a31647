-- name: ListDevices :many
SELECT d.id, d.name, d.site_id, d.address, d.port, d.platform, d.gateway_id, d.description, d.notes, d.enabled, d.serial, d.model, d.os_version, d.hostname, d.source,
       d.legacy, d.host_key_policy, d.newline, d.terminal_columns, d.terminal_rows, d.keepalive_seconds, d.host_key_ca, d.host_key_window, d.last_seen_at, d.last_backup_at, d.created_at, d.updated_at,
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

-- name: GetDevice :one
SELECT d.id, d.name, d.site_id, d.address, d.port, d.platform, d.gateway_id, d.description, d.notes, d.enabled, d.serial, d.model, d.os_version, d.hostname, d.source,
       d.legacy, d.host_key_policy, d.newline, d.terminal_columns, d.terminal_rows, d.keepalive_seconds, d.host_key_ca, d.host_key_window, d.last_seen_at, d.last_backup_at, d.created_at, d.updated_at,
       ARRAY(SELECT t.name FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id ORDER BY lower(t.name))::text[] AS tags
FROM device d
WHERE d.id = $1 AND d.deleted_at IS NULL;

-- name: CreateDevice :exec
INSERT INTO device (id, name, site_id, address, port, platform, gateway_id, description, notes, enabled, source, legacy, host_key_policy, newline,
    terminal_columns, terminal_rows, keepalive_seconds, host_key_ca, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19);

-- name: UpdateDevice :execrows
UPDATE device
SET name = $2, site_id = $3, address = $4, port = $5, platform = $6, gateway_id = $7, description = $8, notes = $9, enabled = $10, legacy = $11,
    host_key_policy = $12, newline = $13, terminal_columns = $14, terminal_rows = $15, keepalive_seconds = $16,
    host_key_ca = $17, updated_at = $18
WHERE id = $1 AND deleted_at IS NULL;

-- name: LockDevice :one
SELECT id FROM device WHERE id = $1 AND deleted_at IS NULL FOR UPDATE;

-- name: DeleteDevice :execrows
UPDATE device SET deleted_at = sqlc.arg(deleted_at)::timestamptz WHERE id = sqlc.arg(id) AND deleted_at IS NULL;
