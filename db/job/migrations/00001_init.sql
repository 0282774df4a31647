-- +goose Up

-- Every claim takes the next fence; a change that names an older one changes nothing.
CREATE SEQUENCE fence AS bigint;

CREATE TABLE job (
    id          uuid        NOT NULL,
    name        text        NOT NULL,
    kind        text        NOT NULL,
    selection   jsonb       NOT NULL,
    params      jsonb       NOT NULL,
    system      boolean     NOT NULL DEFAULT false,
    -- Only devices that succeeded once are run: a typing error in an import must not send passwords to strangers.
    proven_only boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CONSTRAINT job_pkey PRIMARY KEY (id),
    CONSTRAINT job_name_given CHECK (name <> '')
);
CREATE UNIQUE INDEX job_name ON job (lower(name));

CREATE TABLE run (
    id             uuid        NOT NULL,
    kind           text        NOT NULL,
    mutating       boolean     NOT NULL,
    selection      jsonb       NOT NULL,
    proven_only    boolean     NOT NULL DEFAULT false,
    params         jsonb       NOT NULL,
    job_id         uuid,
    created_by     text        NOT NULL,
    state          text        NOT NULL,
    reason         text        NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL,
    finished_at    timestamptz,
    -- Asked for; the run ends CANCELLED once no task of it is left.
    cancelled_at   timestamptz,
    -- Who expands the run now, and until when nobody else may.
    expand_epoch   bigint      NOT NULL DEFAULT 0,
    expand_until   timestamptz,
    expanded       boolean     NOT NULL DEFAULT false,
    -- Counts of tasks, without what still waits in run_delta.
    total          integer     NOT NULL DEFAULT 0,
    running        integer     NOT NULL DEFAULT 0,
    succeeded      integer     NOT NULL DEFAULT 0,
    changed        integer     NOT NULL DEFAULT 0,
    failed         integer     NOT NULL DEFAULT 0,
    expired        integer     NOT NULL DEFAULT 0,
    cancelled      integer     NOT NULL DEFAULT 0,
    skipped        integer     NOT NULL DEFAULT 0,
    CONSTRAINT run_pkey PRIMARY KEY (id),
    CONSTRAINT run_state_known CHECK (state IN ('PENDING', 'EXPANDING', 'RUNNING', 'PAUSED', 'SUCCEEDED', 'PARTIAL', 'FAILED',
        'CANCELLED', 'EXPIRED', 'EMPTY')),
    CONSTRAINT run_finished_when_ended CHECK ((finished_at IS NULL) = (state IN ('PENDING', 'EXPANDING', 'RUNNING', 'PAUSED'))),
    CONSTRAINT run_ends_expanded CHECK (finished_at IS NULL OR expanded),
    CONSTRAINT run_ends_once CHECK (succeeded + failed + expired + cancelled + skipped <= total)
) WITH (fillfactor = 50);
CREATE INDEX run_by_kind ON run (kind, id);
CREATE INDEX run_by_job ON run (job_id, id) WHERE job_id IS NOT NULL;
CREATE INDEX run_open ON run (id) WHERE finished_at IS NULL;

-- What transactions did to a run's counts. Adding a row never waits for another transaction, as changing the run would; the fold
-- adds the rows up. A run's true counts are its own plus these.
CREATE TABLE run_delta (
    run_id    uuid    NOT NULL,
    running   integer NOT NULL,
    succeeded integer NOT NULL,
    changed   integer NOT NULL,
    failed    integer NOT NULL,
    expired   integer NOT NULL,
    cancelled integer NOT NULL,
    skipped   integer NOT NULL
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
CREATE INDEX run_delta_run ON run_delta (run_id);

-- No foreign key to run: a trigger for each of a million rows costs more than the insert; tasks are only made and removed with their run.
CREATE TABLE task (
    id          uuid        NOT NULL,
    run_id      uuid        NOT NULL,
    device_id   uuid        NOT NULL,
    device_name text        NOT NULL,
    gateway_id  uuid        NOT NULL,
    state       text        NOT NULL,
    -- The attempt that may still decide the task; 0 while there is none.
    fence       bigint      NOT NULL DEFAULT 0,
    attempt     smallint    NOT NULL DEFAULT 0,
    agent_id    uuid,
    changed     boolean     NOT NULL DEFAULT false,
    failure     bytea,
    waiting_for text        NOT NULL DEFAULT '',
    not_before  timestamptz,
    stop        boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL,
    started_at  timestamptz,
    finished_at timestamptz,
    -- The transaction that changed the row last, offers and leases apart: watchers read from the oldest one that may still be open.
    touched     bigint      NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    CONSTRAINT task_pkey PRIMARY KEY (id),
    CONSTRAINT task_state_known CHECK (state IN ('SCHEDULED', 'READY', 'OFFERED', 'LEASED', 'RUNNING', 'RETRY_WAIT', 'SUCCEEDED',
        'FAILED', 'CANCELLED', 'EXPIRED', 'SKIPPED', 'INDETERMINATE')),
    CONSTRAINT task_live_has_fence CHECK (state NOT IN ('OFFERED', 'LEASED', 'RUNNING') OR (fence > 0 AND agent_id IS NOT NULL)),
    CONSTRAINT task_waits_until CHECK (state NOT IN ('SCHEDULED', 'RETRY_WAIT') OR not_before IS NOT NULL),
    CONSTRAINT task_finished_when_ended CHECK ((finished_at IS NULL) = (state IN ('SCHEDULED', 'READY', 'OFFERED', 'LEASED', 'RUNNING',
        'RETRY_WAIT'))),
    CONSTRAINT task_failure_said CHECK (state <> 'FAILED' OR failure IS NOT NULL),
    CONSTRAINT task_changed_succeeded CHECK (NOT changed OR state = 'SUCCEEDED')
) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX task_by_name ON task (run_id, device_name COLLATE "C", id);
CREATE INDEX task_touched ON task (run_id, touched);
-- No index reads the state: a change of it alone stays on its page.
CREATE INDEX task_due ON task (not_before) WHERE not_before IS NOT NULL;

-- The queue: one narrow row for each task that is READY in a run that goes on. Rows come and go, so the table stays small.
CREATE TABLE ready (
    task_id    uuid        NOT NULL,
    gateway_id uuid        NOT NULL,
    device_id  uuid        NOT NULL,
    run_id     uuid        NOT NULL,
    -- Set while something holds the task back (its device is busy, a credential is at its cap); out of the way of claims then.
    not_before timestamptz,
    -- Virtual time of the gateway: a run's tasks are numbered from what was served last, so that runs interleave.
    place      bigint      NOT NULL,
    queued_at  timestamptz NOT NULL,
    CONSTRAINT ready_pkey PRIMARY KEY (task_id)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX ready_claim ON ready (gateway_id, place, task_id) WHERE not_before IS NULL;
CREATE INDEX ready_held ON ready (not_before) WHERE not_before IS NOT NULL;
CREATE INDEX ready_run ON ready (run_id);

-- At most one live session to a device, over all runs. Leases live here and not in task, so that keeping one touches a small row.
CREATE TABLE device_slot (
    device_id   uuid        NOT NULL,
    task_id     uuid        NOT NULL,
    fence       bigint      NOT NULL,
    gateway_id  uuid        NOT NULL,
    agent_id    uuid        NOT NULL,
    -- Offered and not accepted yet.
    offered     boolean     NOT NULL DEFAULT true,
    -- Without news until then, the attempt is lost, or the offer lapses.
    lease_until timestamptz NOT NULL,
    -- The attempt's deadline.
    deadline    timestamptz NOT NULL,
    -- The attempt was lost: nobody decides by this slot any more, it only keeps others away until `deadline` + 60 s.
    lost        boolean     NOT NULL DEFAULT false,
    CONSTRAINT device_slot_pkey PRIMARY KEY (device_id),
    CONSTRAINT device_slot_fence UNIQUE (fence),
    CONSTRAINT device_slot_offer_is_not_lost CHECK (NOT (offered AND lost))
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
CREATE INDEX device_slot_agent ON device_slot (agent_id);

-- One row a gateway: its token bucket for logins, its virtual time, and when an agent of it last asked for work.
CREATE TABLE gateway_rate (
    gateway_id uuid             NOT NULL,
    tokens     double precision NOT NULL,
    filled_at  timestamptz      NOT NULL,
    served     bigint           NOT NULL DEFAULT 0,
    asked_at   timestamptz      NOT NULL,
    CONSTRAINT gateway_rate_pkey PRIMARY KEY (gateway_id)
) WITH (fillfactor = 20);

-- Attempts that are over. The answer to a repeated FinishAttempts is read here.
CREATE TABLE attempt (
    task_id     uuid        NOT NULL,
    fence       bigint      NOT NULL,
    run_id      uuid        NOT NULL,
    number      smallint    NOT NULL,
    agent_id    uuid        NOT NULL,
    -- Lost attempts may still report; decided ones may not.
    lost        boolean     NOT NULL,
    -- What the attempt made of its task.
    task_state  text        NOT NULL,
    failure     bytea,
    started_at  timestamptz,
    finished_at timestamptz NOT NULL,
    CONSTRAINT attempt_pkey PRIMARY KEY (task_id, fence)
);

CREATE TABLE task_log (
    task_id  uuid        NOT NULL,
    fence    bigint      NOT NULL,
    sequence integer     NOT NULL,
    at       timestamptz NOT NULL,
    attempt  smallint    NOT NULL,
    level    text        NOT NULL,
    message  text        NOT NULL,
    CONSTRAINT task_log_pkey PRIMARY KEY (task_id, fence, sequence),
    CONSTRAINT task_log_bounded CHECK (sequence BETWEEN 0 AND 999 AND octet_length(message) <= 1024)
);

-- Devices that succeeded at something once.
CREATE TABLE proven_device (
    device_id uuid        NOT NULL,
    since     timestamptz NOT NULL,
    CONSTRAINT proven_device_pkey PRIMARY KEY (device_id)
);

-- What was made by a request_id, for 24 hours.
CREATE TABLE request (
    principal  text        NOT NULL,
    request_id text        NOT NULL,
    run_id     uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT request_pkey PRIMARY KEY (principal, request_id)
);
CREATE INDEX request_age ON request (created_at);

-- +goose Down
DROP TABLE request, proven_device, task_log, attempt, gateway_rate, device_slot, ready, task, run_delta, run, job;
DROP SEQUENCE fence;
