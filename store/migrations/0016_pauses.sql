-- Pauses: for a while nobody is paged about a wearer. They hide nothing; what was not sent is kept and counted.
CREATE TABLE pause (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    wearer        bigint NOT NULL REFERENCES wearer,
    kind          text,                                       -- NULL: every kind
    including_p1  boolean NOT NULL DEFAULT false,
    reason        text NOT NULL,
    starts        timestamptz NOT NULL,
    until         timestamptz NOT NULL,
    requested_by  bigint NOT NULL REFERENCES account,
    approved_by   bigint REFERENCES account,                  -- a second person; NULL: not in force
    approved_at   timestamptz,
    ended_by      bigint REFERENCES account,                  -- before its time
    ended_at      timestamptz,
    version       integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (until > starts),
    CHECK (approved_by <> requested_by),
    CHECK (kind IS NOT NULL OR NOT including_p1)
);
CREATE INDEX pause_wearer ON pause (wearer, until);

CREATE TABLE muted_page (
    pause   bigint NOT NULL REFERENCES pause,
    alert   bigint NOT NULL REFERENCES alert,
    topic   text NOT NULL,
    body    jsonb NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX muted_page_pause ON muted_page (pause);

-- Whoever writes a page, a worker or a duty, writes it into the outbox; here is the one place that all of them pass.
CREATE FUNCTION mute_page() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paused bigint;
BEGIN
    SELECT pause.id INTO paused FROM alert JOIN pause USING (wearer)
    WHERE alert.id = NEW.alert AND pause.approved_at IS NOT NULL AND pause.ended_at IS NULL
      AND pause.starts <= clock_timestamp() AND pause.until > clock_timestamp()
      AND (pause.kind IS NULL OR pause.kind = NEW.body ->> 'kind')
      AND (pause.including_p1 OR (NEW.body ->> 'severity')::integer > 1)
    ORDER BY pause.id LIMIT 1;
    IF paused IS NULL THEN
        RETURN NEW;
    END IF;
    INSERT INTO muted_page (pause, alert, topic, body) VALUES (paused, NEW.alert, NEW.topic, NEW.body);
    RETURN NULL;
END
$$;
CREATE TRIGGER outbox_mute BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION mute_page();
