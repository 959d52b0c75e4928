-- What an order's status was, is and will be, and by whose word; nothing is ever overwritten. The order's own status is what it
-- was made with: it holds until the first row here is in force.
CREATE TABLE order_status (
    monitoring_order  bigint      NOT NULL REFERENCES monitoring_order,
    number            integer     NOT NULL,               -- in the order in which they were recorded
    status            text        NOT NULL CHECK (status IN ('pending', 'active', 'in_custody', 'in_hospital',
                        'unlawfully_at_large', 'paused_by_court', 'completed', 'revoked')),
    authorised_by     text,
    document          text,
    recheck_at        timestamptz,
    in_force_from     timestamptz NOT NULL,
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    recorded_by       bigint REFERENCES account,
    PRIMARY KEY (monitoring_order, number)
);

-- What people changed of an order, and what they would: what relaxes it waits for a second person.
CREATE TABLE order_change (
    monitoring_order  bigint      NOT NULL REFERENCES monitoring_order,
    number            integer     NOT NULL,
    fields            jsonb       NOT NULL,               -- as they were sent
    before            jsonb       NOT NULL,               -- the same fields as they were
    relaxes           text[]      NOT NULL,               -- in words; empty: nothing is relaxed, done at once
    order_version     integer     NOT NULL,               -- of the order it was made to
    proposed_by       bigint REFERENCES account,
    proposed_at       timestamptz NOT NULL DEFAULT now(),
    decided_by        bigint REFERENCES account,
    decided_at        timestamptz,
    decision          text CHECK (decision IN ('applied', 'refused')),
    words             text        NOT NULL DEFAULT '',
    PRIMARY KEY (monitoring_order, number),
    CHECK ((decided_at IS NULL) = (decision IS NULL)),
    CHECK (cardinality(relaxes) = 0 OR decision IS DISTINCT FROM 'applied' OR decided_by IS DISTINCT FROM proposed_by)
);
CREATE INDEX order_change_waiting ON order_change (monitoring_order) WHERE decision IS NULL;

-- By when somebody has to be fitted; NULL: a day after the order begins.
ALTER TABLE monitoring_order ADD COLUMN fit_by timestamptz;

-- The status of an order at a time, as it is known now. Of two in force from the same instant the one recorded last.
CREATE FUNCTION status_at(known monitoring_order, at timestamptz) RETURNS text LANGUAGE sql STABLE
RETURN coalesce((SELECT status FROM order_status WHERE monitoring_order = known.id AND in_force_from <= at
                 ORDER BY in_force_from DESC, number DESC LIMIT 1), known.status);

-- When an order gives authority to judge and to look: within its time, while its status says so.
CREATE VIEW authority_span AS
SELECT o.id AS monitoring_order, o.wearer, greatest(o.starts, span.starts) AS starts,
    least(coalesce(o.ends, '9999-01-01 00:00:00+00'), span.ends) AS ends
FROM monitoring_order o CROSS JOIN LATERAL (
    SELECT status, in_force_from AS starts, lead(in_force_from, 1, '9999-01-01 00:00:00+00') OVER (ORDER BY in_force_from) AS ends
    FROM (
        SELECT DISTINCT ON (in_force_from) in_force_from, status FROM (
            SELECT 'epoch'::timestamptz AS in_force_from, 0 AS number, o.status AS status
            UNION ALL SELECT in_force_from, number, status FROM order_status WHERE monitoring_order = o.id
        ) AS every ORDER BY in_force_from, number DESC
    ) AS known
) AS span
WHERE span.status IN ('active', 'unlawfully_at_large')
    AND greatest(o.starts, span.starts) < least(coalesce(o.ends, '9999-01-01 00:00:00+00'), span.ends);

-- When a tag's positions are nobody's to see: somebody wore it, and no order allowed it.
CREATE FUNCTION sealed(worn bigint) RETURNS tstzmultirange LANGUAGE sql STABLE
RETURN (SELECT coalesce(range_agg(part), '{}') FROM activation a CROSS JOIN LATERAL unnest(
            tstzmultirange(tstzrange(a.fitted_from, a.fitted_to))
            - coalesce((SELECT range_agg(tstzrange(starts, ends)) FROM authority_span WHERE wearer = a.wearer), '{}')) AS part
        WHERE a.tag = worn);
