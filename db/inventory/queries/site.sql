-- name: ListSites :many
SELECT id, name, gateway_id, created_at, updated_at, host_key_ca, jump_host_id, repository
FROM site
WHERE lower(name) > sqlc.arg(after_name)::text
ORDER BY lower(name)
LIMIT sqlc.arg(page_size)::integer;

-- name: GetSite :one
SELECT id, name, gateway_id, created_at, updated_at, host_key_ca, jump_host_id, repository
FROM site
WHERE id = $1;

-- name: CreateSite :one
INSERT INTO site (id, name, gateway_id, created_at, updated_at, host_key_ca, jump_host_id, repository)
VALUES ($1, $2, $3, $4, $4, $5, $6, $7)
RETURNING id, name, gateway_id, created_at, updated_at, host_key_ca, jump_host_id, repository;

-- name: UpdateSite :one
UPDATE site
SET name = COALESCE(sqlc.narg(name), name),
    gateway_id = COALESCE(sqlc.narg(gateway_id), gateway_id),
    host_key_ca = COALESCE(sqlc.narg(host_key_ca), host_key_ca),
    repository = COALESCE(sqlc.narg(repository), repository),
    jump_host_id = CASE WHEN sqlc.arg(set_jump_host)::boolean THEN sqlc.narg(jump_host_id) ELSE jump_host_id END,
    updated_at = sqlc.arg(updated_at)
WHERE id = sqlc.arg(id)
RETURNING id, name, gateway_id, created_at, updated_at, host_key_ca, jump_host_id, repository;

-- Tombstones of a site that goes move to the default site: they only keep an id readable.
-- name: MoveDeletedDevices :exec
UPDATE device SET site_id = sqlc.arg(to_site) WHERE site_id = sqlc.arg(from_site) AND deleted_at IS NOT NULL;

-- name: DeleteSite :execrows
DELETE FROM site WHERE id = $1;

-- name: SiteIDs :many
SELECT id, name, host_key_ca <> '' AS has_ca FROM site;

-- name: SiteHasCA :one
SELECT EXISTS (SELECT 1 FROM site WHERE id = $1 AND host_key_ca <> '')::boolean;

-- name: SiteCAIsUsed :one
SELECT EXISTS (SELECT 1 FROM device WHERE site_id = $1 AND deleted_at IS NULL AND host_key_policy = 'CA' AND host_key_ca = '')::boolean;
