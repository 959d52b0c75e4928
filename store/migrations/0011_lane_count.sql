-- What lanes count for the watch lane: of each gateway, the tags worn that were last heard through it, and those now silent.
CREATE TABLE lane_count (
    lane     integer     NOT NULL,
    gateway  integer     NOT NULL,
    worn     integer     NOT NULL,
    silent   integer     NOT NULL,
    as_of    timestamptz NOT NULL,      -- lane time
    PRIMARY KEY (lane, gateway)
);
