-- What is kept beyond its time, by whose authority; what went; and who was made unrecognisable.

CREATE SEQUENCE hold_revision;

CREATE TABLE hold (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wearer bigint REFERENCES wearer,
    monitoring_order bigint REFERENCES monitoring_order,
    alert bigint REFERENCES alert,
    authorised_by text NOT NULL,
    reason text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now(),
    released_at timestamptz,
    released_by text,
    release_reason text,
    revision bigint NOT NULL DEFAULT nextval('hold_revision'),  -- of all holds, after this one was last changed
    CHECK (num_nonnulls(wearer, monitoring_order, alert) = 1)
);

-- Which tags' records are held, from when until when: what the wearer wore, within the order or a day around the alert.
CREATE VIEW hold_span AS
SELECT hold.id AS hold, activation.tag, greatest(fitted_from, starts) AS starts, least(coalesce(fitted_to, 'infinity'), ends) AS ends
FROM hold
JOIN LATERAL (
    SELECT hold.wearer AS wearer, '-infinity'::timestamptz AS starts, 'infinity'::timestamptz AS ends WHERE hold.wearer IS NOT NULL
    UNION ALL
    SELECT wearer, starts, coalesce(ends, 'infinity') FROM monitoring_order WHERE monitoring_order.id = hold.monitoring_order
    UNION ALL
    SELECT wearer, event_at - interval '1 day', coalesce(ended_at, 'infinity') + interval '1 day'
    FROM alert WHERE alert.id = hold.alert
) AS meant ON true
JOIN activation ON activation.wearer = meant.wearer
WHERE released_at IS NULL;

-- Days past their time: what went and what stayed, so that a missing day is never a riddle.
CREATE TABLE retired_day (
    name text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    kept bigint NOT NULL  -- rows under a hold; 0: the table is gone
);

ALTER TABLE dead_letter ADD COLUMN settled_as text;  -- 'replayed' or 'discarded', at replayed_at
UPDATE dead_letter SET settled_as = 'replayed' WHERE replayed_at IS NOT NULL;

ALTER TABLE wearer ADD COLUMN erased_at timestamptz;
