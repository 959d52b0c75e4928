-- An entry into a zone that may protect a victim is never muted, however grave; what a pause held back is paged when it is over.
CREATE FUNCTION always_pages(kind text, entered bigint, entered_version integer) RETURNS boolean LANGUAGE sql STABLE
RETURN kind IN ('exclusion', 'exclusion_possible', 'crossed', 'approach') AND coalesce((
    SELECT purpose FROM zone_version WHERE zone = entered AND version = entered_version), 'victim') = 'victim';

CREATE OR REPLACE FUNCTION mute_page() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paused bigint;
BEGIN
    SELECT pause.id INTO paused FROM alert JOIN pause USING (wearer)
    WHERE alert.id = NEW.alert AND pause.approved_at IS NOT NULL AND pause.ended_at IS NULL
      AND pause.starts <= clock_timestamp() AND pause.until > clock_timestamp()
      AND (pause.kind IS NULL OR pause.kind = NEW.body ->> 'kind')
      AND (pause.including_p1 OR (NEW.body ->> 'severity')::integer > 1)
      AND NOT always_pages(NEW.body ->> 'kind', alert.zone, alert.zone_version)
    ORDER BY pause.id LIMIT 1;
    IF paused IS NULL THEN
        RETURN NEW;
    END IF;
    INSERT INTO muted_page (pause, alert, topic, body) VALUES (paused, NEW.alert, NEW.topic, NEW.body);
    RETURN NULL;
END
$$;

-- When what it held back was looked at, after its end. Of those that are over by now nobody is paged days later.
ALTER TABLE pause ADD COLUMN settled_at timestamptz;
UPDATE pause SET settled_at = clock_timestamp() WHERE coalesce(ended_at, until) <= clock_timestamp();
CREATE INDEX pause_unsettled ON pause (until) WHERE settled_at IS NULL;
