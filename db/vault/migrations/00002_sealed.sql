-- +goose Up
-- When the grant of a reservation was sealed first. From then on the agent may try its credentials, whatever is learnt about them meanwhile.
ALTER TABLE reservation ADD COLUMN sealed_at timestamptz;
-- Each row is updated once, when it is sealed: room on the page saves the index entries.
ALTER TABLE reservation SET (fillfactor = 70);

-- +goose Down
ALTER TABLE reservation RESET (fillfactor);
ALTER TABLE reservation DROP COLUMN sealed_at;
