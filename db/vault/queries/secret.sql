-- name: PutOwnedSecret :exec
INSERT INTO secret (owner, kind, id, data_key, sealed) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (owner, kind, id) DO UPDATE SET data_key = EXCLUDED.data_key, sealed = EXCLUDED.sealed;

-- name: GetOwnedSecret :one
SELECT owner, kind, id, data_key, sealed FROM secret WHERE owner = $1 AND kind = $2 AND id = $3;

-- name: DeleteOwnedSecret :exec
DELETE FROM secret WHERE owner = $1 AND kind = $2 AND id = $3;
