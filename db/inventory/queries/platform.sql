-- What custom pages there are just now: a few dozen at most, read at each request that needs pages, so that every replica sees a change at once.
-- name: ListCustomPlatforms :many
SELECT name, digest, created_at, updated_at FROM custom_platform ORDER BY name;

-- name: GetCustomPages :many
SELECT name, page FROM custom_platform ORDER BY name;

-- Two pages made at the same time must not claim the same alias.
-- name: LockCustomPlatforms :exec
LOCK TABLE custom_platform IN SHARE ROW EXCLUSIVE MODE;

-- name: CreateCustomPlatform :exec
INSERT INTO custom_platform (name, digest, page, updated_by, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $5);

-- name: UpdateCustomPlatform :exec
UPDATE custom_platform SET digest = $2, page = $3, updated_by = $4, updated_at = $5 WHERE name = $1;

-- name: DeleteCustomPlatform :exec
DELETE FROM custom_platform WHERE name = $1;

-- name: CountDevicesOfPlatform :one
SELECT count(*) FROM device WHERE platform = $1 AND deleted_at IS NULL;
