-- We watch ourselves: alerts that concern no wearer, the duties' last rounds, the watch lane, and the synthetic wearers' crossings.
-- Wearers, orders and zones with a negative id are synthetic: shown to nobody, counted nowhere.

-- What concerns no one wearer (monitoring down, a gateway's outage) is told apart by its subject instead: one open row each.
ALTER TABLE alert ALTER COLUMN wearer DROP NOT NULL, ADD COLUMN subject text NOT NULL DEFAULT '';
DROP INDEX alert_open;
CREATE UNIQUE INDEX alert_open ON alert (wearer, family, zone, subject) NULLS NOT DISTINCT WHERE handling <> 'closed';

-- The last rounds of each background duty, whichever instance did them.
CREATE TABLE duty (
    name           text        PRIMARY KEY,
    every_s        float8      NOT NULL,
    done_at        timestamptz,              -- the end of the last round that succeeded
    failing_since  timestamptz,              -- of the first round in a row that failed; NULL while they succeed
    error          text        NOT NULL DEFAULT ''
);

-- The watch lane: one row, locked by whoever looks, with all that a look remembers for the next. No memory outside it, no zombies.
CREATE TABLE watch (
    single      boolean     PRIMARY KEY DEFAULT true CHECK (single),
    commit_no   bigint      NOT NULL DEFAULT 0,
    owner       text        NOT NULL DEFAULT '',
    looked_at   timestamptz NOT NULL DEFAULT 'epoch',
    memory      jsonb       NOT NULL DEFAULT '{}',
    checks      jsonb       NOT NULL DEFAULT '[]'
);
INSERT INTO watch DEFAULT VALUES;

-- The last crossing of each lane's synthetic wearer: when its fix was sent, and when its alert was seen on the feed.
CREATE TABLE synthetic_crossing (
    lane           integer     PRIMARY KEY,
    sent_at        timestamptz NOT NULL,
    waiting_since  timestamptz,              -- when the first of those in a row that were not seen was sent; NULL: seen
    seen_at        timestamptz,              -- of the last alert that was seen
    took_s         float8,                   -- how long after its fix was sent that was
    error          text        NOT NULL DEFAULT ''   -- why it could not be sent
);
