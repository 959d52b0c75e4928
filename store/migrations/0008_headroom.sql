-- How long the disk will do, as last measured where it can be: by the duties (duties/headroom.py).
CREATE TABLE headroom (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    measured_at timestamptz NOT NULL,
    free_bytes bigint NOT NULL,
    growth_bytes bigint NOT NULL,   -- a day, from the days kept; 0: none is over yet
    days_left double precision,     -- NULL: it lasts
    floor_bytes bigint NOT NULL     -- free bytes below which the next rewriting of a day may not fit
);
