-- Everything DESIGN.md section 3 needs from the start. Rules kept throughout:
--   * ids are bigint: 32-bit row numbers would run out in 75 days;
--   * times are timestamptz, stored and shown in UTC;
--   * an alert's condition columns are written by workers alone, its handling columns by the API alone;
--   * what the stream, the duties and the cursors read is numbered by feed_position, never by a sequence.

-- ---------------------------------------------------------------- fixes and events

-- No other index, no id, 8-byte columns first. Absent: NaN in floats, -1 in integers, as in model/fix.py.
-- Daily partitions are made ahead by duties; a row with no partition is an error, not a default partition.
CREATE TABLE fix (
    tag          bigint      NOT NULL,
    fix_at       timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    seq          bigint      NOT NULL,
    lon          float8      NOT NULL,
    lat          float8      NOT NULL,
    accuracy_m   float4      NOT NULL,
    speed_mps    float4      NOT NULL,
    heading_deg  float4      NOT NULL,
    hdop         float4      NOT NULL,
    gateway      integer     NOT NULL,
    flags        integer     NOT NULL,
    source       smallint    NOT NULL,
    quality      smallint    NOT NULL,
    battery_pct  smallint    NOT NULL,
    satellites   smallint    NOT NULL,
    PRIMARY KEY (tag, fix_at, seq, source)
) PARTITION BY RANGE (fix_at);

CREATE TABLE event (
    tag          bigint      NOT NULL,
    at           timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    seq          bigint      NOT NULL,
    gateway      integer     NOT NULL,
    kind         smallint    NOT NULL,
    value        smallint    NOT NULL,
    PRIMARY KEY (tag, at, seq, kind)
) PARTITION BY RANGE (at);

CREATE TABLE gateway (
    id    integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name  text NOT NULL UNIQUE
);

-- Only a hash of a gateway's key is kept; the key's first characters find it.
CREATE TABLE gateway_key (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    gateway     integer NOT NULL REFERENCES gateway,
    prefix      text NOT NULL UNIQUE,
    hash        bytea NOT NULL,              -- SHA-256: keys are 256 random bits, so a slow hash would add nothing
    created_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);

-- ---------------------------------------------------------------- lanes, journal, snapshots, feed

CREATE TABLE lane (
    partition       integer PRIMARY KEY,
    epoch           bigint NOT NULL DEFAULT 0,       -- raised by each claim: an older owner's commits find no row
    commit_no       bigint NOT NULL DEFAULT 0,
    live_offset     bigint NOT NULL DEFAULT 0,
    backlog_offset  bigint NOT NULL DEFAULT 0,
    watermark       timestamptz NOT NULL DEFAULT 'epoch',
    control_seq     bigint NOT NULL DEFAULT 0,
    owner           text NOT NULL DEFAULT '',
    claimed_at      timestamptz
);

-- What each commit changed of its lane's state, so that it can be rebuilt from a snapshot whatever was edited since.
CREATE TABLE commit_journal (
    lane         integer NOT NULL REFERENCES lane,
    commit_no    bigint NOT NULL,
    watermark    timestamptz NOT NULL,
    control_seq  bigint NOT NULL,
    delta        bytea STORAGE EXTERNAL NOT NULL,   -- not compressed: it would cost more time than it saves
    committed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lane, commit_no)
);

-- Two generations of each block are kept; commit_no says as of which commit.
CREATE TABLE snapshot (
    lane       integer NOT NULL REFERENCES lane,
    block      integer NOT NULL,
    commit_no  bigint NOT NULL,
    body       bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (lane, block, commit_no)
);

-- When a lane's snapshot was whole: all blocks needed to rebuild as of commit_no are in snapshot with at most this commit_no.
CREATE TABLE snapshot_mark (
    lane         integer NOT NULL REFERENCES lane,
    commit_no    bigint NOT NULL,
    watermark    timestamptz NOT NULL,
    control_seq  bigint NOT NULL,
    digest       text NOT NULL,
    PRIMARY KEY (lane, commit_no)
);

-- One row, locked as the last statement before COMMIT by workers and API alike: commit order is feed order.
CREATE TABLE feed (
    single    boolean PRIMARY KEY DEFAULT true CHECK (single),
    position  bigint NOT NULL DEFAULT 0
);
INSERT INTO feed DEFAULT VALUES;

CREATE TABLE feed_entry (
    position  bigint PRIMARY KEY,
    kind      text NOT NULL,                 -- 'alert' (ref = alert id), 'control' (ref = resource id), 'tag' (ref = tag)
    ref       bigint NOT NULL,
    what      text NOT NULL,                 -- 'opened', 'amended', 'ended', 'acknowledged', 'zone', 'activation', ...
    at        timestamptz NOT NULL DEFAULT now()
);
-- Every worker asks four times a second for the newest control change.
CREATE INDEX feed_control ON feed_entry (position) WHERE kind = 'control';

-- ---------------------------------------------------------------- people and authority

CREATE TABLE organisation (
    id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name  text NOT NULL UNIQUE
);
INSERT INTO organisation (name) VALUES ('Monitoring centre');

CREATE TABLE account (
    id             bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name           text NOT NULL UNIQUE,
    password_hash  text NOT NULL,
    role           text NOT NULL CHECK (role IN
                     ('operator', 'officer', 'supervisor', 'field', 'engineer', 'auditor', 'admin')),
    organisation   bigint NOT NULL REFERENCES organisation DEFAULT 1,
    active         boolean NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL DEFAULT now()
);

-- One row a refresh token; used once. All that descend from one sign-in are a family: a second use of any ends it, for one of two users stole it.
CREATE TABLE session (
    id          uuid PRIMARY KEY,
    family      uuid NOT NULL,
    account     bigint NOT NULL REFERENCES account,
    token_hash  bytea NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    revoked_at  timestamptz
);
CREATE INDEX session_family ON session (family);

CREATE TABLE wearer (
    id           bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name         text NOT NULL,
    details      jsonb NOT NULL DEFAULT '{}',   -- flags: under_18, restricted, interpreter, staff_safety, risk; call_first
    version      integer NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE monitoring_order (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    wearer        bigint NOT NULL REFERENCES wearer,
    organisation  bigint NOT NULL REFERENCES organisation DEFAULT 1,
    officer       bigint REFERENCES account,
    type          text NOT NULL,
    status        text NOT NULL CHECK (status IN ('pending', 'active', 'in_custody', 'in_hospital',
                    'unlawfully_at_large', 'paused_by_court', 'completed', 'revoked')),
    timezone      text NOT NULL,
    risk          text NOT NULL DEFAULT 'standard',
    starts        timestamptz NOT NULL,
    ends          timestamptz,
    details       jsonb NOT NULL DEFAULT '{}',
    version       integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX monitoring_order_wearer ON monitoring_order (wearer);

-- Which wearer wore which tag; fitted_to NULL = still on. Billing and "is anyone wearing it" come from here.
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE activation (
    id           bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    wearer       bigint NOT NULL REFERENCES wearer,
    tag          bigint NOT NULL,
    fitted_from  timestamptz NOT NULL,
    fitted_to    timestamptz,
    version      integer NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (fitted_to > fitted_from),
    -- one leg at a time
    CONSTRAINT activation_one_wearer EXCLUDE USING gist (tag WITH =, tstzrange(fitted_from, fitted_to) WITH &&)
);
CREATE INDEX activation_wearer ON activation (wearer);

CREATE TABLE wearer_group (
    id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name     text NOT NULL UNIQUE,
    version  integer NOT NULL DEFAULT 1
);
CREATE TABLE wearer_group_member (
    wearer_group  bigint NOT NULL REFERENCES wearer_group,
    wearer        bigint NOT NULL REFERENCES wearer,
    PRIMARY KEY (wearer_group, wearer)
);

-- Tags that sent without an activation: their fixes are stored unassigned, and somebody must look.
CREATE TABLE unknown_tag (
    tag        bigint PRIMARY KEY,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    fixes      bigint NOT NULL
);

-- ---------------------------------------------------------------- zones: one row a version

CREATE TABLE zone (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- in_force_from = database save time + 1 s: every worker reads control changes more often than that.
-- An ended zone is a version with in_force_to; nothing is ever deleted, old fixes are judged by old versions.
CREATE TABLE zone_version (
    zone           bigint NOT NULL REFERENCES zone,
    version        integer NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('exclusion', 'inclusion', 'home')),
    purpose        text NOT NULL CHECK (purpose IN ('victim', 'area')),
    name           text NOT NULL,
    wkb            bytea NOT NULL,
    radius_m       float8 NOT NULL DEFAULT 0,      -- > 0: the WKB is the centre of a circle
    buffer_m       float8 NOT NULL DEFAULT 0,
    confirm_fixes  integer NOT NULL DEFAULT 2,
    feature        jsonb NOT NULL,                 -- the GeoJSON as it was accepted: what GET answers, ETag and all
    schedule       jsonb,
    valid_from     timestamptz,
    valid_to       timestamptz,
    applies_wearer bigint REFERENCES wearer,
    applies_group  bigint REFERENCES wearer_group,
    applies_all    boolean NOT NULL DEFAULT false,
    in_force_from  timestamptz NOT NULL,
    in_force_to    timestamptz NOT NULL DEFAULT '9999-01-01 00:00:00+00',
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    recorded_by    bigint REFERENCES account,
    control_seq    bigint NOT NULL,                -- feed position of the commit that wrote or last ended it
    PRIMARY KEY (zone, version),
    CHECK (num_nonnulls(applies_wearer, applies_group, nullif(applies_all, false)) = 1)
);

-- ---------------------------------------------------------------- alerts: two writers, two sets of columns

CREATE TABLE alert (
    id                 bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    wearer             bigint NOT NULL REFERENCES wearer,
    family             text NOT NULL,               -- what makes two kinds one row (model/alert.py)
    zone               bigint NOT NULL DEFAULT 0,   -- 0 where the kind has none
    -- condition: a worker alone writes these
    kind               text NOT NULL,
    severity           smallint NOT NULL CHECK (severity BETWEEN 1 AND 4),
    condition          text NOT NULL CHECK (condition IN ('active', 'ended', 'withdrawn')),
    confidence         text NOT NULL CHECK (confidence IN ('definite', 'possible', 'inferred')),
    late               boolean NOT NULL,
    tag                bigint NOT NULL,             -- of the last occurrence
    zone_version       integer NOT NULL,
    monitoring_order   bigint NOT NULL,
    event_at           timestamptz NOT NULL,        -- first occurrence
    detected_at        timestamptz NOT NULL,        -- first occurrence
    ended_at           timestamptz,                 -- last occurrence
    occurrences        integer NOT NULL,
    calls              integer NOT NULL,            -- times it called for people: each occurrence, and each time it became graver
    due_acknowledge    timestamptz,                 -- clocks of the last occurrence
    due_contact        timestamptz,
    due_decision       timestamptz,
    condition_version  integer NOT NULL DEFAULT 1,
    raised_seq         bigint NOT NULL,             -- feed position of the commit that raised it
    -- handling: the API alone writes these
    handling           text NOT NULL DEFAULT 'new' CHECK (handling IN ('new', 'acknowledged', 'in_progress', 'closed')),
    handled_calls      integer NOT NULL DEFAULT 0,  -- effective handling is new while calls is greater than this
    owner              bigint REFERENCES account,
    level              smallint NOT NULL DEFAULT 0,
    outcome            text,
    closed_at          timestamptz,
    handling_version   integer NOT NULL DEFAULT 1
);
-- At most one alert that is not closed for a (wearer, family, zone): what the worker's upsert finds.
CREATE UNIQUE INDEX alert_open ON alert (wearer, family, zone) WHERE handling <> 'closed';
CREATE INDEX alert_queue ON alert (severity, event_at) WHERE handling <> 'closed';
CREATE INDEX alert_wearer ON alert (wearer, event_at);

CREATE TABLE alert_occurrence (
    alert          bigint NOT NULL REFERENCES alert,
    tag            bigint NOT NULL,
    occurrence     timestamptz NOT NULL,            -- event_at it was first raised with: its identity
    kind           text NOT NULL,
    severity       smallint NOT NULL,
    confidence     text NOT NULL,
    late           boolean NOT NULL,
    event_at       timestamptz NOT NULL,
    detected_at    timestamptz NOT NULL,
    ended_at       timestamptz,
    withdrawn      boolean NOT NULL DEFAULT false,
    zone_version   integer NOT NULL,
    monitoring_order bigint NOT NULL,
    PRIMARY KEY (alert, tag, occurrence)
);
CREATE INDEX alert_occurrence_tag ON alert_occurrence (tag, occurrence);

-- Everything that ever happened to an alert, by machine and people, in feed order.
CREATE TABLE alert_history (
    alert     bigint NOT NULL REFERENCES alert,
    position  bigint NOT NULL,                      -- feed position of the commit
    part      integer NOT NULL,                     -- order within the commit
    at        timestamptz NOT NULL,                 -- lane time for a worker's entry, database time for people's
    actor     bigint REFERENCES account,            -- NULL: Cordon itself
    what      text NOT NULL,                        -- 'opened', 'amended', 'ended', 'resumed', 'withdrawn', 'acknowledged', ...
    text      text NOT NULL,                        -- one sentence; a person's own words for a note
    details   jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (alert, position, part)
);

-- The fixes an alert was judged by, copied when it was raised and when it ended.
CREATE TABLE alert_evidence (
    alert       bigint NOT NULL REFERENCES alert,
    position    bigint NOT NULL,
    part        integer NOT NULL,
    fixes       bytea NOT NULL,                     -- FIX rows, little-endian, as judged
    zone        bigint NOT NULL,
    zone_version integer NOT NULL,
    distance_m  float8,
    PRIMARY KEY (alert, position, part)
);

-- ---------------------------------------------------------------- outbox, dead letters, receipts, audit

CREATE TABLE outbox (
    id           bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    position     bigint NOT NULL,
    alert        bigint REFERENCES alert,
    topic        text NOT NULL,
    body         jsonb NOT NULL,
    due_at       timestamptz NOT NULL DEFAULT now(),
    attempts     integer NOT NULL DEFAULT 0,
    sent_at      timestamptz,
    dead_at      timestamptz,
    last_error   text
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE sent_at IS NULL AND dead_at IS NULL;

CREATE TABLE dead_letter (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    received_at timestamptz NOT NULL DEFAULT now(),
    gateway     text NOT NULL,
    protocol    text NOT NULL,
    reason      text NOT NULL,
    body        bytea NOT NULL,
    replayed_at timestamptz
);

CREATE TABLE receipt (
    id          text NOT NULL,
    lane        integer NOT NULL,
    stored      integer NOT NULL,
    duplicate   integer NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, lane)
);

-- Receipts are dropped by age; rows lie in order of time, so a summary of each block range finds the old ones.
CREATE INDEX receipt_at ON receipt USING brin (at);

CREATE TABLE audit (
    position  bigint NOT NULL,                      -- feed position, or that of the newest commit where nothing was written
    part      bigint GENERATED ALWAYS AS IDENTITY,
    at        timestamptz NOT NULL DEFAULT now(),
    actor     bigint REFERENCES account,
    action    text NOT NULL,
    subject   text NOT NULL,
    details   jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (part)
);

-- The answer a create gave, for the client that asks twice with one Idempotency-Key.
CREATE TABLE idempotency (
    account    bigint NOT NULL REFERENCES account,
    key        text NOT NULL,
    request    bytea NOT NULL,                      -- SHA-256 of method, path and body
    status     integer NOT NULL,
    response   bytea NOT NULL,
    headers    jsonb NOT NULL DEFAULT '{}',
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, key)
);

CREATE TABLE setting (
    name         text NOT NULL,
    version      integer NOT NULL,
    value        jsonb NOT NULL,
    in_force_from timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version)
);
