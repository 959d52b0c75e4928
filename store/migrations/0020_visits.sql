-- Visits to wearers: planned with a window, attempted once or more often, done once.
CREATE TABLE visit (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    wearer        bigint NOT NULL REFERENCES wearer,
    kind          text NOT NULL CHECK (kind IN ('fit', 'inspect', 'swap', 'remove')),
    tag           bigint,                -- to be fitted, inspected or taken off; NULL: whichever is worn, or not known yet
    new_tag       bigint,                -- what a swap fits instead
    officer       bigint REFERENCES account,
    window_from   timestamptz NOT NULL,
    window_to     timestamptz NOT NULL,
    note          text NOT NULL DEFAULT '',
    cancelled_at  timestamptz,
    version       integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (window_to > window_from)
);
CREATE INDEX visit_wearer ON visit (wearer);

-- Somebody at the door, from sign-in to sign-out. The judge reads these: work at the door is no tamper.
CREATE TABLE visit_attempt (
    visit         bigint NOT NULL REFERENCES visit,
    number        integer NOT NULL,
    by            bigint REFERENCES account,
    signed_in     timestamptz NOT NULL,
    signed_out    timestamptz,
    outcome       text CHECK (outcome IN ('done', 'no_access', 'refused', 'unsafe')),
    strap_proven  boolean NOT NULL DEFAULT false,
    range_test    text CHECK (range_test IN ('passed', 'failed')),
    note          text NOT NULL DEFAULT '',
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (visit, number),
    CHECK (signed_out >= signed_in),
    CHECK ((signed_out IS NULL) = (outcome IS NULL)),
    CHECK (NOT strap_proven OR outcome = 'done')
);
CREATE UNIQUE INDEX visit_attempt_open ON visit_attempt (visit) WHERE signed_out IS NULL;
