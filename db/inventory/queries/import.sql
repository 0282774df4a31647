-- name: FindForImport :many
SELECT d.id, d.name, d.site_id, d.address, d.port, d.platform, d.gateway_id, d.description, d.notes, d.enabled, d.legacy, d.host_key_policy,
       d.newline, d.terminal_columns, d.terminal_rows, d.keepalive_seconds, d.host_key_ca,
       ARRAY(SELECT t.name FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id ORDER BY lower(t.name))::text[] AS tags
FROM (SELECT unnest(sqlc.arg(site_ids)::uuid[]) AS site_id, unnest(sqlc.arg(names)::text[]) AS name) wanted
JOIN device d ON d.site_id = wanted.site_id AND lower(d.name) = lower(wanted.name) AND d.deleted_at IS NULL;

-- name: ImportNew :many
INSERT INTO device (id, name, site_id, address, port, platform, gateway_id, description, notes, enabled, source, legacy, host_key_policy, newline,
    terminal_columns, terminal_rows, keepalive_seconds, created_at, updated_at)
SELECT n.id, n.name, n.site_id, n.address, n.port, n.platform, NULLIF(n.gateway_id, '00000000-0000-0000-0000-000000000000'::uuid), n.description, n.notes, n.enabled, 'import', n.legacy, n.policy,
       n.newline, n.terminal_columns, n.terminal_rows, NULLIF(n.keepalive_seconds, -1), sqlc.arg(at)::timestamptz, sqlc.arg(at)::timestamptz
FROM (SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(names)::text[]) AS name, unnest(sqlc.arg(site_ids)::uuid[]) AS site_id,
             unnest(sqlc.arg(addresses)::text[]) AS address, unnest(sqlc.arg(ports)::integer[]) AS port, unnest(sqlc.arg(platforms)::text[]) AS platform,
             unnest(sqlc.arg(gateway_ids)::uuid[]) AS gateway_id, unnest(sqlc.arg(descriptions)::text[]) AS description,
             unnest(sqlc.arg(notes)::text[]) AS notes, unnest(sqlc.arg(enabled)::boolean[]) AS enabled, unnest(sqlc.arg(legacy)::boolean[]) AS legacy,
             unnest(sqlc.arg(policies)::text[]) AS policy, unnest(sqlc.arg(newlines)::text[]) AS newline,
             unnest(sqlc.arg(terminal_columns)::integer[]) AS terminal_columns, unnest(sqlc.arg(terminal_rows)::integer[]) AS terminal_rows,
             unnest(sqlc.arg(keepalives)::integer[]) AS keepalive_seconds) n
ON CONFLICT (site_id, lower(name)) WHERE deleted_at IS NULL DO NOTHING
RETURNING id;

-- name: ImportChanged :exec
UPDATE device d
SET address = n.address, port = n.port, platform = n.platform, gateway_id = NULLIF(n.gateway_id, '00000000-0000-0000-0000-000000000000'::uuid),
    description = n.description, notes = n.notes, enabled = n.enabled, legacy = n.legacy, host_key_policy = n.policy, newline = n.newline,
    terminal_columns = n.terminal_columns, terminal_rows = n.terminal_rows, keepalive_seconds = NULLIF(n.keepalive_seconds, -1),
    updated_at = sqlc.arg(at)::timestamptz
FROM (SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(addresses)::text[]) AS address, unnest(sqlc.arg(ports)::integer[]) AS port,
             unnest(sqlc.arg(platforms)::text[]) AS platform, unnest(sqlc.arg(gateway_ids)::uuid[]) AS gateway_id,
             unnest(sqlc.arg(descriptions)::text[]) AS description, unnest(sqlc.arg(notes)::text[]) AS notes,
             unnest(sqlc.arg(enabled)::boolean[]) AS enabled, unnest(sqlc.arg(legacy)::boolean[]) AS legacy,
             unnest(sqlc.arg(policies)::text[]) AS policy, unnest(sqlc.arg(newlines)::text[]) AS newline,
             unnest(sqlc.arg(terminal_columns)::integer[]) AS terminal_columns, unnest(sqlc.arg(terminal_rows)::integer[]) AS terminal_rows,
             unnest(sqlc.arg(keepalives)::integer[]) AS keepalive_seconds) n
WHERE d.id = n.id AND d.deleted_at IS NULL;
