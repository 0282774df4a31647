-- +goose Up

CREATE TABLE schedule (
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    job_id       uuid        NOT NULL,
    -- Exactly one of cron, every and at.
    cron         text        NOT NULL DEFAULT '',
    every        text        NOT NULL DEFAULT '',
    at           timestamptz,
    time_zone    text        NOT NULL,
    enabled      boolean     NOT NULL,
    system       boolean     NOT NULL DEFAULT false,
    -- Intervals count from here.
    anchor       timestamptz NOT NULL,
    -- NULL: never again.
    next_fire_at timestamptz,
    last_fire_at timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT schedule_pkey PRIMARY KEY (id),
    CONSTRAINT schedule_name_given CHECK (name <> ''),
    CONSTRAINT schedule_one_timing CHECK ((cron <> '')::integer + (every <> '')::integer + (at IS NOT NULL)::integer = 1),
    CONSTRAINT schedule_disabled_rests CHECK (enabled OR next_fire_at IS NULL)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX schedule_name ON schedule (lower(name));
-- A tick costs what is due, not what exists.
CREATE INDEX schedule_due ON schedule (next_fire_at) WHERE next_fire_at IS NOT NULL;

-- (schedule, due) is unique, so nothing fires twice, whoever ticks. No foreign key: it would be checked for each of thousands of fires of
-- schedules that the tick holds locked anyway; deleting a schedule takes its fires along.
CREATE TABLE fire (
    schedule_id uuid        NOT NULL,
    due_at      timestamptz NOT NULL,
    fired_at    timestamptz NOT NULL,
    job_id      uuid        NOT NULL,
    run_id      uuid,
    error       text        NOT NULL DEFAULT '',
    -- When the job service is asked for the run (again); NULL once that is settled.
    ask_at      timestamptz,
    CONSTRAINT fire_pkey PRIMARY KEY (schedule_id, due_at),
    CONSTRAINT fire_settled CHECK ((ask_at IS NULL) = (run_id IS NOT NULL OR error <> ''))
);
CREATE INDEX fire_open ON fire (ask_at) WHERE ask_at IS NOT NULL;

-- +goose Down
DROP TABLE fire, schedule;
