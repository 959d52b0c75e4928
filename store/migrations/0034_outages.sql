-- Fleet outages with their lists, by gateway, network and model of tags; what of it holds which silence.
CREATE TABLE tag_hardware (
    tag         bigint PRIMARY KEY CHECK (tag > 0),
    model       text NOT NULL DEFAULT '',
    network     text NOT NULL DEFAULT '',
    version     integer NOT NULL DEFAULT 1,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by bigint REFERENCES account
);

-- What lanes say for the watch: tags worn of each network and model (of gateways lane_count says it), and those overdue.
CREATE TABLE lane_group (
    lane integer NOT NULL,
    kind text    NOT NULL CHECK (kind IN ('network', 'model')),
    name text    NOT NULL,
    worn integer NOT NULL,
    PRIMARY KEY (lane, kind, name)
);
CREATE TABLE lane_overdue (
    lane    integer     NOT NULL,
    tag     bigint      NOT NULL,
    since   timestamptz NOT NULL,
    gateway text        NOT NULL,      -- its number
    network text        NOT NULL,
    model   text        NOT NULL,
    guarded boolean     NOT NULL,      -- a victim is to be protected from its wearer
    PRIMARY KEY (lane, tag)
);

CREATE TABLE outage (
    id         bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    alert      bigint      NOT NULL REFERENCES alert,
    kind       text        NOT NULL CHECK (kind IN ('gateway', 'network', 'model')),
    name       text        NOT NULL,
    worn       integer     NOT NULL,
    began_at   timestamptz NOT NULL,
    ended_at   timestamptz,
    settled_at timestamptz
);
CREATE INDEX outage_alert ON outage (alert);
CREATE INDEX outage_open ON outage (id) WHERE settled_at IS NULL;
CREATE TABLE outage_tag (
    outage  bigint      NOT NULL REFERENCES outage,
    tag     bigint      NOT NULL,
    wearer  bigint REFERENCES wearer,
    guarded boolean     NOT NULL,
    gateway text        NOT NULL,
    network text        NOT NULL,
    model   text        NOT NULL,
    since   timestamptz NOT NULL,
    back_at timestamptz,
    PRIMARY KEY (outage, tag)
);
CREATE INDEX outage_tag_still ON outage_tag (tag) WHERE back_at IS NULL;

-- Which silence is held under which outage: its alert's own row is its lane's alone.
CREATE TABLE outage_hold (
    outage      bigint      NOT NULL REFERENCES outage,
    alert       bigint      NOT NULL REFERENCES alert,
    held_at     timestamptz NOT NULL,
    released_at timestamptz,
    muted       boolean     NOT NULL,  -- whether a page waits: for whoever is still silent when the outage is long over
    noted       boolean     NOT NULL,  -- whether the alert's history says so
    PRIMARY KEY (outage, alert)
);
CREATE INDEX outage_hold_alert ON outage_hold (alert);

CREATE FUNCTION outage_of(held bigint) RETURNS bigint LANGUAGE sql STABLE
RETURN (SELECT outage.alert FROM outage_hold JOIN outage ON outage.id = outage WHERE outage_hold.alert = held AND released_at IS NULL
        ORDER BY held_at DESC LIMIT 1);

-- Nobody is paged for a silence that an outage explains, unless it is a P1: those never wait.
CREATE FUNCTION hold_page() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    explained bigint;
BEGIN
    IF NEW.body ->> 'kind' <> 'no_contact' OR (NEW.body ->> 'severity')::integer = 1 THEN
        RETURN NEW;
    END IF;
    SELECT outage.id INTO explained FROM alert JOIN outage_tag USING (tag) JOIN outage ON outage.id = outage
    WHERE alert.id = NEW.alert AND settled_at IS NULL AND back_at IS NULL ORDER BY outage.id LIMIT 1;
    IF explained IS NULL THEN
        RETURN NEW;
    END IF;
    INSERT INTO outage_hold (outage, alert, held_at, muted, noted) VALUES (explained, NEW.alert, clock_timestamp(), true, false)
    ON CONFLICT (outage, alert) DO UPDATE SET muted = true, released_at = NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER outbox_outage BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION hold_page();
