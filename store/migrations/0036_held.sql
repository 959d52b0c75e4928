-- What an outage holds is kept by call, one row for each time it was held, so that whoever pages only ever adds.
ALTER TABLE outage_hold DROP CONSTRAINT outage_hold_pkey;
ALTER TABLE outage_hold ADD COLUMN id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY;
ALTER TABLE outage_hold ADD COLUMN calls integer;  -- the alert's calls then: a later silence on the same row is another matter
UPDATE outage_hold SET calls = alert.calls FROM alert WHERE alert.id = outage_hold.alert;
ALTER TABLE outage_hold ALTER COLUMN calls SET NOT NULL;
CREATE INDEX outage_hold_outage ON outage_hold (outage, alert);
CREATE INDEX outage_hold_standing ON outage_hold (outage, id) WHERE released_at IS NULL;
CREATE INDEX outage_hold_unnoted ON outage_hold (id) WHERE NOT noted;

CREATE OR REPLACE FUNCTION outage_of(held bigint) RETURNS bigint LANGUAGE sql STABLE
RETURN (SELECT outage.alert FROM outage_hold h JOIN outage ON outage.id = h.outage JOIN alert ON alert.id = h.alert
        WHERE h.alert = held AND h.calls = alert.calls AND h.released_at IS NULL ORDER BY h.held_at DESC LIMIT 1);

-- For how long a call was held, for which its clocks stood still: NULL while it is.
CREATE FUNCTION held_for(held bigint, call integer) RETURNS interval LANGUAGE sql STABLE
RETURN (SELECT CASE WHEN coalesce(bool_and(released_at IS NOT NULL), true)
                    THEN coalesce(max(released_at - held_at), interval '0') END
        FROM outage_hold WHERE alert = held AND calls = call);

-- Since when the silence lasts that an alert tells of: of one that came again, the last.
CREATE FUNCTION silent_since(silence bigint) RETURNS timestamptz LANGUAGE sql STABLE
RETURN (SELECT coalesce(max(x.event_at), min(a.event_at)) FROM alert a
        LEFT JOIN alert_occurrence x ON x.alert = a.id AND x.tag = a.tag AND NOT x.withdrawn WHERE a.id = silence);

-- Nobody is paged for a silence that an outage explains, unless it is a P1: those never wait. Only that very silence, of whoever
-- wore the tag: a list may be older than what was heard since. It runs within whoever pages, who has the feed's row: it adds a
-- row that nobody else can be about to add, and so waits for nobody.
CREATE OR REPLACE FUNCTION hold_page() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    explained bigint;
    call      integer;
BEGIN
    IF NEW.topic <> 'alert' OR NEW.body ->> 'kind' <> 'no_contact' OR (NEW.body ->> 'severity')::integer = 1 THEN
        RETURN NEW;
    END IF;
    SELECT o.id, a.calls INTO explained, call
    FROM alert a JOIN outage_tag t ON t.tag = a.tag AND t.wearer = a.wearer JOIN outage o ON o.id = t.outage
    WHERE a.id = NEW.alert AND o.settled_at IS NULL AND t.back_at IS NULL AND silent_since(a.id) <= t.since
    ORDER BY o.id DESC LIMIT 1;
    IF explained IS NULL THEN
        RETURN NEW;
    END IF;
    INSERT INTO outage_hold (outage, alert, calls, held_at, muted, noted)
    VALUES (explained, NEW.alert, call, clock_timestamp(), true, EXISTS (
        SELECT FROM outage_hold h WHERE h.outage = explained AND h.alert = NEW.alert AND h.calls = call));
    RETURN NULL;
END
$$;
