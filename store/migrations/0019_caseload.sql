-- Caseloads: who answers for an officer's orders while they are away, and orders on their way to another officer.
CREATE TABLE cover (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    officer     bigint NOT NULL REFERENCES account,
    covered_by  bigint NOT NULL REFERENCES account,
    starts      timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    reason      text,
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (until > starts),
    CHECK (officer <> covered_by),
    -- one answers at a time
    CONSTRAINT cover_one EXCLUDE USING gist (officer WITH =, tstzrange(starts, until) WITH &&)
);

CREATE TABLE transfer (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    from_account  bigint NOT NULL REFERENCES account,
    to_account    bigint NOT NULL REFERENCES account,
    orders        bigint[] NOT NULL,
    note          text,
    requested_by  bigint NOT NULL REFERENCES account,
    offered_at    timestamptz NOT NULL DEFAULT now(),
    accepted_at   timestamptz,
    withdrawn_at  timestamptz,
    CHECK (from_account <> to_account),
    CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
);
CREATE INDEX transfer_offered ON transfer (to_account) WHERE accepted_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX monitoring_order_officer ON monitoring_order (officer);
