SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.zone_version (
    zone bigint NOT NULL,
    version integer NOT NULL,
    kind text NOT NULL,
    purpose text NOT NULL,
    name text NOT NULL,
    wkb bytea NOT NULL,
    radius_m double precision DEFAULT 0 NOT NULL,
    buffer_m double precision DEFAULT 0 NOT NULL,
    confirm_fixes integer DEFAULT 2 NOT NULL,
    feature jsonb NOT NULL,
    schedule jsonb,
    valid_from timestamp with time zone,
    valid_to timestamp with time zone,
    applies_wearer bigint,
    applies_group bigint,
    applies_all boolean DEFAULT false NOT NULL,
    in_force_from timestamp with time zone NOT NULL,
    in_force_to timestamp with time zone DEFAULT '9999-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    recorded_by bigint,
    control_seq bigint NOT NULL,
    attendance boolean DEFAULT false NOT NULL,
    CONSTRAINT zone_version_attendance_check CHECK (((NOT attendance) OR ((kind = 'inclusion'::text) AND (schedule IS NOT NULL)))),
    CONSTRAINT zone_version_check CHECK ((num_nonnulls(applies_wearer, applies_group, NULLIF(applies_all, false)) = 1)),
    CONSTRAINT zone_version_kind_check CHECK ((kind = ANY (ARRAY['exclusion'::text, 'inclusion'::text, 'home'::text]))),
    CONSTRAINT zone_version_purpose_check CHECK ((purpose = ANY (ARRAY['victim'::text, 'area'::text])))
);
CREATE FUNCTION public.always_pages(kind text, entered bigint, entered_version integer) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((kind = ANY (ARRAY['exclusion'::text, 'exclusion_possible'::text, 'crossed'::text, 'approach'::text])) AND (COALESCE((SELECT zone_version.purpose FROM public.zone_version WHERE ((zone_version.zone = always_pages.entered) AND (zone_version.version = always_pages.entered_version))), 'victim'::text) = 'victim'::text));
CREATE FUNCTION public.calls_follow_owner() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    who bigint := CASE WHEN can_call(NEW.owner) THEN NEW.owner END;
BEGIN
    PERFORM FROM contact WHERE alert = NEW.id AND callback_at IS NOT NULL AND settled_by IS NULL ORDER BY id FOR UPDATE;
    UPDATE contact SET owed_by = who, version = version + 1
    WHERE alert = NEW.id AND callback_at IS NOT NULL AND settled_by IS NULL AND owed_by IS DISTINCT FROM who;
    RETURN NULL;
END $$;
CREATE FUNCTION public.can_answer(role text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN (role = ANY (ARRAY['officer'::text, 'supervisor'::text, 'admin'::text]));
CREATE TABLE public.account (
    id bigint NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    organisation bigint DEFAULT 1 NOT NULL,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    shut_out_at timestamp with time zone,
    no_officer_at timestamp with time zone,
    CONSTRAINT account_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'officer'::text, 'supervisor'::text, 'field'::text, 'engineer'::text, 'auditor'::text, 'admin'::text])))
);
CREATE FUNCTION public.can_call(number bigint) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (EXISTS (SELECT FROM public.account WHERE ((account.id = can_call.number) AND account.active AND (account.role = ANY (ARRAY['operator'::text, 'officer'::text, 'supervisor'::text, 'admin'::text])))));
CREATE TABLE public.outage_hold (
    outage bigint NOT NULL,
    alert bigint NOT NULL,
    held_at timestamp with time zone NOT NULL,
    released_at timestamp with time zone,
    muted boolean NOT NULL,
    noted boolean NOT NULL,
    id bigint NOT NULL,
    calls integer NOT NULL
);
CREATE FUNCTION public.held_for(held bigint, call integer) RETURNS interval
    LANGUAGE sql STABLE
    RETURN (SELECT CASE WHEN COALESCE(bool_and((outage_hold.released_at IS NOT NULL)), true) THEN COALESCE(max((outage_hold.released_at - outage_hold.held_at)), '00:00:00'::interval) ELSE NULL::interval END AS "case" FROM public.outage_hold WHERE ((outage_hold.alert = held_for.held) AND (outage_hold.calls = held_for.call)));
CREATE FUNCTION public.hold_page() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.mute_page() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.note_day_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    held record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF TG_ARGV[0] = 'fix' THEN
        INSERT INTO day_change (name, tag, at, seq, last) VALUES (TG_TABLE_NAME, held.tag, held.fix_at, held.seq, held.source);
    ELSE
        INSERT INTO day_change (name, tag, at, seq, last) VALUES (TG_TABLE_NAME, held.tag, held.at, held.seq, held.kind);
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION public.note_no_officer() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.no_officer_at := CASE WHEN NOT can_answer(NEW.role) THEN coalesce(NEW.no_officer_at, now()) END;
    RETURN NEW;
END $$;
CREATE TABLE public.alert (
    id bigint NOT NULL,
    wearer bigint,
    family text NOT NULL,
    zone bigint DEFAULT 0 NOT NULL,
    kind text NOT NULL,
    severity smallint NOT NULL,
    condition text NOT NULL,
    confidence text NOT NULL,
    late boolean NOT NULL,
    tag bigint NOT NULL,
    zone_version integer NOT NULL,
    monitoring_order bigint NOT NULL,
    event_at timestamp with time zone NOT NULL,
    detected_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    occurrences integer NOT NULL,
    calls integer NOT NULL,
    due_acknowledge timestamp with time zone,
    due_contact timestamp with time zone,
    due_decision timestamp with time zone,
    condition_version integer DEFAULT 1 NOT NULL,
    raised_seq bigint NOT NULL,
    handling text DEFAULT 'new'::text NOT NULL,
    handled_calls integer DEFAULT 0 NOT NULL,
    owner bigint,
    level smallint DEFAULT 0 NOT NULL,
    outcome text,
    closed_at timestamp with time zone,
    handling_version integer DEFAULT 1 NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    held_under bigint,
    contacted_calls integer DEFAULT 0 NOT NULL,
    decided_calls integer DEFAULT 0 NOT NULL,
    handled_at timestamp with time zone,
    escalated_calls integer DEFAULT 0 NOT NULL,
    escalated_clocks smallint DEFAULT 0 NOT NULL,
    escalated_at timestamp with time zone,
    escalated_to text,
    reason text DEFAULT ''::text NOT NULL,
    called_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT alert_condition_check CHECK ((condition = ANY (ARRAY['active'::text, 'ended'::text, 'withdrawn'::text]))),
    CONSTRAINT alert_confidence_check CHECK ((confidence = ANY (ARRAY['definite'::text, 'possible'::text, 'inferred'::text]))),
    CONSTRAINT alert_handling_check CHECK ((handling = ANY (ARRAY['new'::text, 'acknowledged'::text, 'in_progress'::text, 'closed'::text]))),
    CONSTRAINT alert_severity_check CHECK (((severity >= 1) AND (severity <= 4)))
);
CREATE TABLE public.outage (
    id bigint NOT NULL,
    alert bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    worn integer NOT NULL,
    began_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    settled_at timestamp with time zone,
    under_at timestamp with time zone,
    CONSTRAINT outage_kind_check CHECK ((kind = ANY (ARRAY['gateway'::text, 'network'::text, 'model'::text])))
);
CREATE FUNCTION public.outage_of(held bigint) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (SELECT outage.alert FROM ((public.outage_hold h JOIN public.outage ON ((outage.id = h.outage))) JOIN public.alert ON ((alert.id = h.alert))) WHERE ((h.alert = outage_of.held) AND (h.calls = alert.calls) AND (h.released_at IS NULL)) ORDER BY h.held_at DESC LIMIT 1);
CREATE TABLE public.activation (
    id bigint NOT NULL,
    wearer bigint NOT NULL,
    tag bigint NOT NULL,
    fitted_from timestamp with time zone NOT NULL,
    fitted_to timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT activation_check CHECK ((fitted_to > fitted_from))
);
CREATE TABLE public.monitoring_order (
    id bigint NOT NULL,
    wearer bigint NOT NULL,
    organisation bigint DEFAULT 1 NOT NULL,
    officer bigint,
    type text NOT NULL,
    status text NOT NULL,
    timezone text NOT NULL,
    risk text DEFAULT 'standard'::text NOT NULL,
    starts timestamp with time zone NOT NULL,
    ends timestamp with time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    fit_by timestamp with time zone,
    CONSTRAINT monitoring_order_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'in_custody'::text, 'in_hospital'::text, 'unlawfully_at_large'::text, 'paused_by_court'::text, 'completed'::text, 'revoked'::text])))
);
CREATE TABLE public.order_status (
    monitoring_order bigint NOT NULL,
    number integer NOT NULL,
    status text NOT NULL,
    authorised_by text,
    document text,
    recheck_at timestamp with time zone,
    in_force_from timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    recorded_by bigint,
    CONSTRAINT order_status_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'in_custody'::text, 'in_hospital'::text, 'unlawfully_at_large'::text, 'paused_by_court'::text, 'completed'::text, 'revoked'::text])))
);
CREATE VIEW public.authority_span AS
 SELECT o.id AS monitoring_order,
    o.wearer,
    GREATEST(o.starts, span.starts) AS starts,
    LEAST(COALESCE(o.ends, '9999-01-01 00:00:00+00'::timestamp with time zone), span.ends) AS ends
   FROM (public.monitoring_order o
     CROSS JOIN LATERAL ( SELECT known.status,
            known.in_force_from AS starts,
            lead(known.in_force_from, 1, '9999-01-01 00:00:00+00'::timestamp with time zone) OVER (ORDER BY known.in_force_from) AS ends
           FROM ( SELECT DISTINCT ON (every.in_force_from) every.in_force_from,
                    every.status
                   FROM ( SELECT '1970-01-01 00:00:00+00'::timestamp with time zone AS in_force_from,
                            0 AS number,
                            o.status
                        UNION ALL
                         SELECT order_status.in_force_from,
                            order_status.number,
                            order_status.status
                           FROM public.order_status
                          WHERE (order_status.monitoring_order = o.id)) every
                  ORDER BY every.in_force_from, every.number DESC) known) span)
  WHERE ((span.status = ANY (ARRAY['active'::text, 'unlawfully_at_large'::text])) AND (GREATEST(o.starts, span.starts) < LEAST(COALESCE(o.ends, '9999-01-01 00:00:00+00'::timestamp with time zone), span.ends)));
CREATE FUNCTION public.sealed(worn bigint) RETURNS SETOF tstzmultirange
    LANGUAGE sql STABLE ROWS 1
    BEGIN ATOMIC
 SELECT COALESCE(range_agg(part.part), '{}'::tstzmultirange) AS "coalesce"
    FROM (public.activation a
      CROSS JOIN LATERAL unnest((tstzmultirange(tstzrange(a.fitted_from, a.fitted_to)) - COALESCE(( SELECT range_agg(tstzrange(authority_span.starts, authority_span.ends)) AS range_agg
            FROM public.authority_span
           WHERE (authority_span.wearer = a.wearer)), '{}'::tstzmultirange))) part(part))
   WHERE (a.tag = sealed.worn);
END;
CREATE TABLE public.alert_occurrence (
    alert bigint NOT NULL,
    tag bigint NOT NULL,
    occurrence timestamp with time zone NOT NULL,
    kind text NOT NULL,
    severity smallint NOT NULL,
    confidence text NOT NULL,
    late boolean NOT NULL,
    event_at timestamp with time zone NOT NULL,
    detected_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    withdrawn boolean DEFAULT false NOT NULL,
    zone_version integer NOT NULL,
    monitoring_order bigint NOT NULL
);
CREATE FUNCTION public.silent_since(silence bigint) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    RETURN (SELECT COALESCE(max(x.event_at), min(a.event_at)) AS "coalesce" FROM (public.alert a LEFT JOIN public.alert_occurrence x ON (((x.alert = a.id) AND (x.tag = a.tag) AND (NOT x.withdrawn)))) WHERE (a.id = silent_since.silence));
CREATE FUNCTION public.status_at(known public.monitoring_order, at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    RETURN COALESCE((SELECT order_status.status FROM public.order_status WHERE ((order_status.monitoring_order = (status_at.known).id) AND (order_status.in_force_from <= status_at.at)) ORDER BY order_status.in_force_from DESC, order_status.number DESC LIMIT 1), (known).status);
CREATE TABLE public.absence (
    id bigint NOT NULL,
    curfew bigint NOT NULL,
    starts timestamp with time zone NOT NULL,
    ends timestamp with time zone NOT NULL,
    authoriser text NOT NULL,
    reason text NOT NULL,
    in_force_from timestamp with time zone NOT NULL,
    in_force_to timestamp with time zone DEFAULT '9999-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    recorded_by bigint,
    CONSTRAINT absence_check CHECK ((ends > starts))
);
ALTER TABLE public.absence ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.absence_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.activation ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.activation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.alert_evidence (
    alert bigint NOT NULL,
    "position" bigint NOT NULL,
    part integer NOT NULL,
    fixes bytea NOT NULL,
    zone bigint NOT NULL,
    zone_version integer NOT NULL,
    distance_m double precision,
    events bytea DEFAULT '\x'::bytea NOT NULL
);
CREATE TABLE public.alert_history (
    alert bigint NOT NULL,
    "position" bigint NOT NULL,
    part integer NOT NULL,
    at timestamp with time zone NOT NULL,
    actor bigint,
    what text NOT NULL,
    text text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL
);
ALTER TABLE public.alert ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.audit (
    "position" bigint NOT NULL,
    part bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor bigint,
    action text NOT NULL,
    subject text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL
);
ALTER TABLE public.audit ALTER COLUMN part ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_part_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channel (
    id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    target text NOT NULL,
    secret bytea,
    secret_before bytea,
    before_until timestamp with time zone,
    kinds text[],
    severities smallint[],
    tells text[],
    organisation bigint,
    officer bigint,
    active boolean DEFAULT true NOT NULL,
    off_because text DEFAULT ''::text NOT NULL,
    undelivered bigint,
    failing_since timestamp with time zone,
    delivered bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    digest_at text,
    digest_timezone text,
    digest_day date,
    CONSTRAINT channel_check CHECK (((digest_at IS NULL) = (digest_timezone IS NULL))),
    CONSTRAINT channel_digest_at_check CHECK ((digest_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'::text)),
    CONSTRAINT channel_kind_check CHECK ((kind = ANY (ARRAY['webhook'::text, 'mail'::text])))
);
ALTER TABLE public.channel ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.channel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.commit_journal (
    lane integer NOT NULL,
    commit_no bigint NOT NULL,
    watermark timestamp with time zone NOT NULL,
    control_seq bigint NOT NULL,
    delta bytea NOT NULL,
    committed_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.commit_journal ALTER COLUMN delta SET STORAGE EXTERNAL;
CREATE TABLE public.commit_link (
    lane integer NOT NULL,
    commit_no bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    link bytea NOT NULL,
    body text NOT NULL
);
CREATE TABLE public.commit_slice (
    day integer NOT NULL,
    lane integer NOT NULL,
    commit_no bigint NOT NULL,
    kind text NOT NULL,
    marks bytea NOT NULL,
    CONSTRAINT commit_slice_kind_check CHECK ((kind = ANY (ARRAY['fix'::text, 'event'::text])))
);
ALTER TABLE ONLY public.commit_slice ALTER COLUMN marks SET STORAGE EXTERNAL;
CREATE TABLE public.commit_told (
    lane integer NOT NULL,
    commit_no bigint NOT NULL,
    base bigint NOT NULL
);
CREATE TABLE public.contact (
    id bigint NOT NULL,
    alert bigint,
    wearer bigint,
    at timestamp with time zone NOT NULL,
    account bigint NOT NULL,
    way text NOT NULL,
    direction text NOT NULL,
    person text NOT NULL,
    name text,
    number text,
    outcome text NOT NULL,
    words text,
    police_reference text,
    callback_at timestamp with time zone,
    settled_by bigint,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    owed_by bigint,
    CONSTRAINT contact_check CHECK (((alert IS NOT NULL) OR (wearer IS NOT NULL))),
    CONSTRAINT contact_direction_check CHECK ((direction = ANY (ARRAY['out'::text, 'in'::text]))),
    CONSTRAINT contact_outcome_check CHECK ((outcome = ANY (ARRAY['spoke'::text, 'no_answer'::text, 'refused'::text, 'dead_number'::text]))),
    CONSTRAINT contact_person_check CHECK ((person = ANY (ARRAY['wearer'::text, 'victim'::text, 'police'::text, 'officer'::text, 'other'::text]))),
    CONSTRAINT contact_way_check CHECK ((way = ANY (ARRAY['call'::text, 'message'::text])))
);
ALTER TABLE public.contact ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.contact_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.cover (
    id bigint NOT NULL,
    officer bigint NOT NULL,
    covered_by bigint NOT NULL,
    starts timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    reason text,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT cover_check CHECK ((until > starts)),
    CONSTRAINT cover_check1 CHECK ((officer <> covered_by))
);
ALTER TABLE public.cover ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.cover_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.curfew (
    id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.curfew ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.curfew_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.curfew_version (
    curfew bigint NOT NULL,
    version integer NOT NULL,
    monitoring_order bigint NOT NULL,
    home bigint NOT NULL,
    grace_min integer NOT NULL,
    timezone text NOT NULL,
    timetable jsonb NOT NULL,
    in_force_from timestamp with time zone NOT NULL,
    in_force_to timestamp with time zone DEFAULT '9999-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    recorded_by bigint,
    control_seq bigint NOT NULL,
    high_risk boolean DEFAULT false NOT NULL
);
CREATE TABLE public.day_change (
    id bigint NOT NULL,
    name text NOT NULL,
    tag bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    seq bigint NOT NULL,
    last smallint NOT NULL
);
ALTER TABLE public.day_change ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.day_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.day_head (
    lane integer NOT NULL,
    day integer NOT NULL,
    commit_no bigint NOT NULL,
    link bytea NOT NULL,
    key text NOT NULL,
    signature bytea NOT NULL,
    signed_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.dead_letter (
    id bigint NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    gateway text NOT NULL,
    protocol text NOT NULL,
    reason text NOT NULL,
    body bytea NOT NULL,
    replayed_at timestamp with time zone,
    settled_as text
);
ALTER TABLE public.dead_letter ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.delivery (
    id bigint NOT NULL,
    outbox bigint,
    channel bigint NOT NULL,
    alert bigint,
    severity smallint NOT NULL,
    key text NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now(),
    tried_at timestamp with time zone,
    settled_at timestamp with time zone,
    last_error text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT delivery_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'delivered'::text, 'superseded'::text, 'dead'::text])))
);
ALTER TABLE public.delivery ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.duty (
    name text NOT NULL,
    every_s double precision NOT NULL,
    done_at timestamp with time zone,
    failing_since timestamp with time zone,
    error text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.edit_link (
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    link bytea NOT NULL,
    body text NOT NULL
);
CREATE TABLE public.escalation (
    id bigint NOT NULL,
    monitoring_order bigint,
    timezone text NOT NULL,
    office jsonb NOT NULL,
    levels jsonb NOT NULL,
    repeat_min integer NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT escalation_repeat_min_check CHECK ((repeat_min > 0))
);
ALTER TABLE public.escalation ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.escalation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.event (
    tag bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    seq bigint NOT NULL,
    gateway integer NOT NULL,
    kind smallint NOT NULL,
    value smallint NOT NULL
)
PARTITION BY RANGE (at);
CREATE TABLE public.feed (
    single boolean DEFAULT true NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    CONSTRAINT feed_single_check CHECK (single)
);
CREATE TABLE public.feed_entry (
    "position" bigint NOT NULL,
    kind text NOT NULL,
    ref bigint NOT NULL,
    what text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.first_fix (
    activation bigint NOT NULL,
    fix_at timestamp with time zone NOT NULL
);
CREATE TABLE public.fix (
    tag bigint NOT NULL,
    fix_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    seq bigint NOT NULL,
    lon double precision NOT NULL,
    lat double precision NOT NULL,
    accuracy_m real NOT NULL,
    speed_mps real NOT NULL,
    heading_deg real NOT NULL,
    hdop real NOT NULL,
    gateway integer NOT NULL,
    flags integer NOT NULL,
    source smallint NOT NULL,
    quality smallint NOT NULL,
    battery_pct smallint NOT NULL,
    satellites smallint NOT NULL
)
PARTITION BY RANGE (fix_at);
CREATE TABLE public.gateway (
    id integer NOT NULL,
    name text NOT NULL
);
ALTER TABLE public.gateway ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.gateway_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.gateway_key (
    id bigint NOT NULL,
    gateway integer NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone
);
ALTER TABLE public.gateway_key ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.gateway_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.handover (
    id bigint NOT NULL,
    from_account bigint NOT NULL,
    to_account bigint NOT NULL,
    note text,
    alerts bigint[] NOT NULL,
    offered_at timestamp with time zone DEFAULT now() NOT NULL,
    accepted_at timestamp with time zone,
    withdrawn_at timestamp with time zone,
    calls bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    CONSTRAINT handover_check CHECK ((from_account <> to_account)),
    CONSTRAINT handover_check1 CHECK (((accepted_at IS NULL) OR (withdrawn_at IS NULL)))
);
ALTER TABLE public.handover ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.handover_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.headroom (
    single boolean DEFAULT true NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    free_bytes bigint NOT NULL,
    growth_bytes bigint NOT NULL,
    days_left double precision,
    floor_bytes bigint NOT NULL,
    CONSTRAINT headroom_single_check CHECK (single)
);
CREATE SEQUENCE public.hold_revision
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.hold (
    id bigint NOT NULL,
    wearer bigint,
    monitoring_order bigint,
    alert bigint,
    authorised_by text NOT NULL,
    reason text NOT NULL,
    placed_at timestamp with time zone DEFAULT now() NOT NULL,
    released_at timestamp with time zone,
    released_by text,
    release_reason text,
    revision bigint DEFAULT nextval('public.hold_revision'::regclass) NOT NULL,
    CONSTRAINT hold_check CHECK ((num_nonnulls(wearer, monitoring_order, alert) = 1))
);
ALTER TABLE public.hold ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.hold_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW public.hold_span AS
 SELECT hold.id AS hold,
    activation.tag,
    GREATEST(activation.fitted_from, meant.starts) AS starts,
    LEAST(COALESCE(activation.fitted_to, 'infinity'::timestamp with time zone), meant.ends) AS ends
   FROM ((public.hold
     JOIN LATERAL ( SELECT hold.wearer,
            '-infinity'::timestamp with time zone AS starts,
            'infinity'::timestamp with time zone AS ends
          WHERE (hold.wearer IS NOT NULL)
        UNION ALL
         SELECT monitoring_order.wearer,
            monitoring_order.starts,
            COALESCE(monitoring_order.ends, 'infinity'::timestamp with time zone) AS "coalesce"
           FROM public.monitoring_order
          WHERE (monitoring_order.id = hold.monitoring_order)
        UNION ALL
         SELECT alert.wearer,
            (alert.event_at - '1 day'::interval),
            (COALESCE(alert.ended_at, 'infinity'::timestamp with time zone) + '1 day'::interval)
           FROM public.alert
          WHERE (alert.id = hold.alert)) meant ON (true))
     JOIN public.activation ON ((activation.wearer = meant.wearer)))
  WHERE (hold.released_at IS NULL);
CREATE TABLE public.idempotency (
    account bigint NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    status integer NOT NULL,
    response bytea NOT NULL,
    headers jsonb DEFAULT '{}'::jsonb NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.imported (
    source text NOT NULL,
    ref text NOT NULL,
    request bytea NOT NULL,
    resource bigint NOT NULL,
    account bigint,
    at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.lane (
    partition integer NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    commit_no bigint DEFAULT 0 NOT NULL,
    live_offset bigint DEFAULT 0 NOT NULL,
    backlog_offset bigint DEFAULT 0 NOT NULL,
    watermark timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    control_seq bigint DEFAULT 0 NOT NULL,
    owner text DEFAULT ''::text NOT NULL,
    claimed_at timestamp with time zone,
    link bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    listening timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL
);
CREATE TABLE public.lane_count (
    lane integer NOT NULL,
    gateway integer NOT NULL,
    worn integer NOT NULL,
    silent integer NOT NULL,
    as_of timestamp with time zone NOT NULL,
    unknown integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.lane_group (
    lane integer NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    worn integer NOT NULL,
    CONSTRAINT lane_group_kind_check CHECK ((kind = ANY (ARRAY['network'::text, 'model'::text])))
);
CREATE TABLE public.lane_overdue (
    lane integer NOT NULL,
    tag bigint NOT NULL,
    since timestamp with time zone NOT NULL,
    gateway text NOT NULL,
    network text NOT NULL,
    model text NOT NULL,
    guarded boolean NOT NULL
);
ALTER TABLE public.monitoring_order ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.monitoring_order_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.muted_page (
    pause bigint NOT NULL,
    alert bigint NOT NULL,
    topic text NOT NULL,
    body jsonb NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.order_change (
    monitoring_order bigint NOT NULL,
    number integer NOT NULL,
    fields jsonb NOT NULL,
    before jsonb NOT NULL,
    relaxes text[] NOT NULL,
    order_version integer NOT NULL,
    proposed_by bigint,
    proposed_at timestamp with time zone DEFAULT now() NOT NULL,
    decided_by bigint,
    decided_at timestamp with time zone,
    decision text,
    words text DEFAULT ''::text NOT NULL,
    CONSTRAINT order_change_check CHECK (((decided_at IS NULL) = (decision IS NULL))),
    CONSTRAINT order_change_check1 CHECK (((cardinality(relaxes) = 0) OR (decision IS DISTINCT FROM 'applied'::text) OR (decided_by IS DISTINCT FROM proposed_by))),
    CONSTRAINT order_change_decision_check CHECK ((decision = ANY (ARRAY['applied'::text, 'refused'::text])))
);
CREATE TABLE public.organisation (
    id bigint NOT NULL,
    name text NOT NULL
);
ALTER TABLE public.organisation ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.organisation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.outage_hold ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outage_hold_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.outage ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.outage_tag (
    outage bigint NOT NULL,
    tag bigint NOT NULL,
    wearer bigint,
    guarded boolean NOT NULL,
    gateway text NOT NULL,
    network text NOT NULL,
    model text NOT NULL,
    since timestamp with time zone NOT NULL,
    back_at timestamp with time zone
);
CREATE TABLE public.outbox (
    id bigint NOT NULL,
    "position" bigint NOT NULL,
    alert bigint,
    topic text NOT NULL,
    body jsonb NOT NULL,
    at timestamp with time zone DEFAULT now() CONSTRAINT outbox_due_at_not_null NOT NULL,
    addressed_at timestamp with time zone
);
ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.paper (
    single boolean DEFAULT true NOT NULL,
    looked_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    CONSTRAINT paper_single_check CHECK (single)
);
CREATE TABLE public.pause (
    id bigint NOT NULL,
    wearer bigint NOT NULL,
    kind text,
    including_p1 boolean DEFAULT false NOT NULL,
    reason text NOT NULL,
    starts timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    requested_by bigint NOT NULL,
    approved_by bigint,
    approved_at timestamp with time zone,
    ended_by bigint,
    ended_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone,
    longer_until timestamp with time zone,
    longer_by bigint,
    CONSTRAINT pause_check CHECK ((until > starts)),
    CONSTRAINT pause_check1 CHECK ((approved_by <> requested_by)),
    CONSTRAINT pause_check2 CHECK (((kind IS NOT NULL) OR (NOT including_p1))),
    CONSTRAINT pause_check3 CHECK (((longer_until IS NULL) = (longer_by IS NULL))),
    CONSTRAINT pause_check4 CHECK ((longer_until > until))
);
ALTER TABLE public.pause ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.pause_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.receipt (
    id text NOT NULL,
    lane integer NOT NULL,
    stored integer NOT NULL,
    duplicate integer NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    done integer DEFAULT 1 NOT NULL,
    frames integer DEFAULT 1 NOT NULL
);
CREATE TABLE public.retired_day (
    name text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    kept bigint NOT NULL
);
CREATE TABLE public.rewritten_day (
    name text NOT NULL,
    ordered_at timestamp with time zone NOT NULL,
    held_by bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.session (
    id uuid NOT NULL,
    family uuid NOT NULL,
    account bigint NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    revoked_at timestamp with time zone
);
CREATE TABLE public.setting (
    name text NOT NULL,
    version integer NOT NULL,
    value jsonb NOT NULL,
    in_force_from timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.settings_place (
    id bigint NOT NULL,
    scope text NOT NULL,
    order_type text DEFAULT ''::text NOT NULL,
    monitoring_order bigint,
    zone bigint,
    CONSTRAINT settings_place_check CHECK (((scope = 'type'::text) = (order_type <> ''::text))),
    CONSTRAINT settings_place_check1 CHECK (((scope = 'order'::text) = (monitoring_order IS NOT NULL))),
    CONSTRAINT settings_place_check2 CHECK (((scope = 'zone'::text) = (zone IS NOT NULL))),
    CONSTRAINT settings_place_scope_check CHECK ((scope = ANY (ARRAY['all'::text, 'type'::text, 'order'::text, 'zone'::text])))
);
ALTER TABLE public.settings_place ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.settings_place_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.settings_version (
    place bigint NOT NULL,
    version integer NOT NULL,
    numbers jsonb NOT NULL,
    in_force_from timestamp with time zone NOT NULL,
    in_force_to timestamp with time zone DEFAULT '9999-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    recorded_by bigint,
    control_seq bigint NOT NULL,
    CONSTRAINT settings_version_check CHECK ((in_force_from < in_force_to)),
    CONSTRAINT settings_version_numbers_check CHECK ((jsonb_typeof(numbers) = 'object'::text)),
    CONSTRAINT settings_version_version_check CHECK ((version > 0))
);
CREATE TABLE public.snapshot (
    lane integer NOT NULL,
    block integer NOT NULL,
    commit_no bigint NOT NULL,
    body bytea NOT NULL
);
ALTER TABLE ONLY public.snapshot ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE public.snapshot_mark (
    lane integer NOT NULL,
    commit_no bigint NOT NULL,
    watermark timestamp with time zone NOT NULL,
    control_seq bigint NOT NULL,
    digest text NOT NULL
);
CREATE TABLE public.synthetic_crossing (
    lane integer NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    waiting_since timestamp with time zone,
    seen_at timestamp with time zone,
    took_s double precision,
    error text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.tag_hardware (
    tag bigint NOT NULL,
    model text DEFAULT ''::text NOT NULL,
    network text DEFAULT ''::text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    recorded_by bigint,
    CONSTRAINT tag_hardware_tag_check CHECK ((tag > 0))
);
CREATE TABLE public.transfer (
    id bigint NOT NULL,
    from_account bigint NOT NULL,
    to_account bigint NOT NULL,
    orders bigint[] NOT NULL,
    note text,
    requested_by bigint NOT NULL,
    offered_at timestamp with time zone DEFAULT now() NOT NULL,
    accepted_at timestamp with time zone,
    withdrawn_at timestamp with time zone,
    CONSTRAINT transfer_check CHECK ((from_account <> to_account)),
    CONSTRAINT transfer_check1 CHECK (((accepted_at IS NULL) OR (withdrawn_at IS NULL)))
);
ALTER TABLE public.transfer ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.transfer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.unknown_tag (
    tag bigint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    fixes bigint NOT NULL
);
CREATE TABLE public.visit (
    id bigint NOT NULL,
    wearer bigint NOT NULL,
    kind text NOT NULL,
    tag bigint,
    new_tag bigint,
    officer bigint,
    window_from timestamp with time zone NOT NULL,
    window_to timestamp with time zone NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    cancelled_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    done boolean DEFAULT false NOT NULL,
    CONSTRAINT visit_check CHECK ((window_to > window_from)),
    CONSTRAINT visit_kind_check CHECK ((kind = ANY (ARRAY['fit'::text, 'inspect'::text, 'swap'::text, 'remove'::text])))
);
CREATE TABLE public.visit_attempt (
    visit bigint NOT NULL,
    number integer NOT NULL,
    by bigint,
    signed_in timestamp with time zone NOT NULL,
    signed_out timestamp with time zone,
    outcome text,
    strap_proven boolean DEFAULT false NOT NULL,
    range_test text,
    note text DEFAULT ''::text NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT visit_attempt_check CHECK ((signed_out >= signed_in)),
    CONSTRAINT visit_attempt_check1 CHECK (((signed_out IS NULL) = (outcome IS NULL))),
    CONSTRAINT visit_attempt_check2 CHECK (((NOT strap_proven) OR (outcome = 'done'::text))),
    CONSTRAINT visit_attempt_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'no_access'::text, 'refused'::text, 'unsafe'::text]))),
    CONSTRAINT visit_attempt_range_test_check CHECK ((range_test = ANY (ARRAY['passed'::text, 'failed'::text])))
);
ALTER TABLE public.visit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.visit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.waiting_change (
    id bigint NOT NULL,
    kind text NOT NULL,
    subject bigint NOT NULL,
    version integer NOT NULL,
    fields jsonb,
    relaxes text NOT NULL,
    requested_by bigint NOT NULL,
    requested_at timestamp with time zone DEFAULT now() NOT NULL,
    decided_by bigint,
    decided_at timestamp with time zone,
    approved boolean,
    CONSTRAINT waiting_change_check CHECK ((num_nulls(decided_by, decided_at, approved) = ANY (ARRAY[0, 3]))),
    CONSTRAINT waiting_change_check1 CHECK (((approved IS NOT TRUE) OR (decided_by <> requested_by))),
    CONSTRAINT waiting_change_kind_check CHECK ((kind = ANY (ARRAY['zone'::text, 'wearer'::text, 'group'::text, 'absence'::text, 'settings'::text, 'curfew'::text])))
);
ALTER TABLE public.waiting_change ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.waiting_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.watch (
    single boolean DEFAULT true NOT NULL,
    commit_no bigint DEFAULT 0 NOT NULL,
    owner text DEFAULT ''::text NOT NULL,
    looked_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    memory jsonb DEFAULT '{}'::jsonb NOT NULL,
    checks jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT watch_single_check CHECK (single)
);
CREATE TABLE public.wearer (
    id bigint NOT NULL,
    name text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    erased_at timestamp with time zone
);
CREATE TABLE public.wearer_group (
    id bigint NOT NULL,
    name text NOT NULL,
    version integer DEFAULT 1 NOT NULL
);
ALTER TABLE public.wearer_group ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.wearer_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.wearer_group_member (
    wearer_group bigint NOT NULL,
    wearer bigint NOT NULL
);
ALTER TABLE public.wearer ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.wearer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.zone (
    id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.zone ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.zone_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY public.absence
    ADD CONSTRAINT absence_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_name_key UNIQUE (name);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.activation
    ADD CONSTRAINT activation_one_wearer EXCLUDE USING gist (tag WITH =, tstzrange(fitted_from, fitted_to) WITH &&);
ALTER TABLE ONLY public.activation
    ADD CONSTRAINT activation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.alert_evidence
    ADD CONSTRAINT alert_evidence_pkey PRIMARY KEY (alert, "position", part);
ALTER TABLE ONLY public.alert_history
    ADD CONSTRAINT alert_history_pkey PRIMARY KEY (alert, "position", part);
ALTER TABLE ONLY public.alert_occurrence
    ADD CONSTRAINT alert_occurrence_pkey PRIMARY KEY (alert, tag, occurrence);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (part);
ALTER TABLE ONLY public.channel
    ADD CONSTRAINT channel_name_key UNIQUE (name);
ALTER TABLE ONLY public.channel
    ADD CONSTRAINT channel_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.commit_journal
    ADD CONSTRAINT commit_journal_pkey PRIMARY KEY (lane, commit_no);
ALTER TABLE ONLY public.commit_link
    ADD CONSTRAINT commit_link_pkey PRIMARY KEY (lane, commit_no);
ALTER TABLE ONLY public.commit_slice
    ADD CONSTRAINT commit_slice_pkey PRIMARY KEY (day, kind, lane, commit_no);
ALTER TABLE ONLY public.commit_told
    ADD CONSTRAINT commit_told_pkey PRIMARY KEY (lane, commit_no);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.cover
    ADD CONSTRAINT cover_one EXCLUDE USING gist (officer WITH =, tstzrange(starts, until) WITH &&);
ALTER TABLE ONLY public.cover
    ADD CONSTRAINT cover_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.curfew
    ADD CONSTRAINT curfew_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.curfew_version
    ADD CONSTRAINT curfew_version_pkey PRIMARY KEY (curfew, version);
ALTER TABLE ONLY public.day_change
    ADD CONSTRAINT day_change_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.day_head
    ADD CONSTRAINT day_head_pkey PRIMARY KEY (lane, day);
ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_key_key UNIQUE (key);
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_outbox_channel_key UNIQUE (outbox, channel);
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.duty
    ADD CONSTRAINT duty_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.edit_link
    ADD CONSTRAINT edit_link_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.escalation
    ADD CONSTRAINT escalation_one UNIQUE NULLS NOT DISTINCT (monitoring_order);
ALTER TABLE ONLY public.escalation
    ADD CONSTRAINT escalation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (tag, at, seq, kind);
ALTER TABLE ONLY public.feed_entry
    ADD CONSTRAINT feed_entry_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.feed
    ADD CONSTRAINT feed_pkey PRIMARY KEY (single);
ALTER TABLE ONLY public.first_fix
    ADD CONSTRAINT first_fix_pkey PRIMARY KEY (activation);
ALTER TABLE ONLY public.fix
    ADD CONSTRAINT fix_pkey PRIMARY KEY (tag, fix_at, seq, source);
ALTER TABLE ONLY public.gateway_key
    ADD CONSTRAINT gateway_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.gateway_key
    ADD CONSTRAINT gateway_key_prefix_key UNIQUE (prefix);
ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_name_key UNIQUE (name);
ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.handover
    ADD CONSTRAINT handover_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.headroom
    ADD CONSTRAINT headroom_pkey PRIMARY KEY (single);
ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (account, key);
ALTER TABLE ONLY public.imported
    ADD CONSTRAINT imported_pkey PRIMARY KEY (source, ref);
ALTER TABLE ONLY public.lane_count
    ADD CONSTRAINT lane_count_pkey PRIMARY KEY (lane, gateway);
ALTER TABLE ONLY public.lane_group
    ADD CONSTRAINT lane_group_pkey PRIMARY KEY (lane, kind, name);
ALTER TABLE ONLY public.lane_overdue
    ADD CONSTRAINT lane_overdue_pkey PRIMARY KEY (lane, tag);
ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (partition);
ALTER TABLE ONLY public.monitoring_order
    ADD CONSTRAINT monitoring_order_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.order_change
    ADD CONSTRAINT order_change_pkey PRIMARY KEY (monitoring_order, number);
ALTER TABLE ONLY public.order_status
    ADD CONSTRAINT order_status_pkey PRIMARY KEY (monitoring_order, number);
ALTER TABLE ONLY public.organisation
    ADD CONSTRAINT organisation_name_key UNIQUE (name);
ALTER TABLE ONLY public.organisation
    ADD CONSTRAINT organisation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outage_hold
    ADD CONSTRAINT outage_hold_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outage
    ADD CONSTRAINT outage_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outage_tag
    ADD CONSTRAINT outage_tag_pkey PRIMARY KEY (outage, tag);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.paper
    ADD CONSTRAINT paper_pkey PRIMARY KEY (single);
ALTER TABLE ONLY public.pause
    ADD CONSTRAINT pause_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.receipt
    ADD CONSTRAINT receipt_pkey PRIMARY KEY (id, lane);
ALTER TABLE ONLY public.retired_day
    ADD CONSTRAINT retired_day_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.rewritten_day
    ADD CONSTRAINT rewritten_day_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (name, version);
ALTER TABLE ONLY public.settings_place
    ADD CONSTRAINT settings_place_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.settings_place
    ADD CONSTRAINT settings_place_scope_order_type_monitoring_order_zone_key UNIQUE NULLS NOT DISTINCT (scope, order_type, monitoring_order, zone);
ALTER TABLE ONLY public.settings_version
    ADD CONSTRAINT settings_version_pkey PRIMARY KEY (place, version);
ALTER TABLE ONLY public.snapshot_mark
    ADD CONSTRAINT snapshot_mark_pkey PRIMARY KEY (lane, commit_no);
ALTER TABLE ONLY public.snapshot
    ADD CONSTRAINT snapshot_pkey PRIMARY KEY (lane, block, commit_no);
ALTER TABLE ONLY public.synthetic_crossing
    ADD CONSTRAINT synthetic_crossing_pkey PRIMARY KEY (lane);
ALTER TABLE ONLY public.tag_hardware
    ADD CONSTRAINT tag_hardware_pkey PRIMARY KEY (tag);
ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.unknown_tag
    ADD CONSTRAINT unknown_tag_pkey PRIMARY KEY (tag);
ALTER TABLE ONLY public.visit_attempt
    ADD CONSTRAINT visit_attempt_pkey PRIMARY KEY (visit, number);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.waiting_change
    ADD CONSTRAINT waiting_change_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.watch
    ADD CONSTRAINT watch_pkey PRIMARY KEY (single);
ALTER TABLE ONLY public.wearer_group_member
    ADD CONSTRAINT wearer_group_member_pkey PRIMARY KEY (wearer_group, wearer);
ALTER TABLE ONLY public.wearer_group
    ADD CONSTRAINT wearer_group_name_key UNIQUE (name);
ALTER TABLE ONLY public.wearer_group
    ADD CONSTRAINT wearer_group_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.wearer
    ADD CONSTRAINT wearer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.zone
    ADD CONSTRAINT zone_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.zone_version
    ADD CONSTRAINT zone_version_pkey PRIMARY KEY (zone, version);
CREATE INDEX absence_curfew ON public.absence USING btree (curfew);
CREATE INDEX activation_wearer ON public.activation USING btree (wearer);
CREATE INDEX alert_detected ON public.alert USING btree (detected_at);
CREATE INDEX alert_history_machine ON public.alert_history USING btree (at) WHERE (actor IS NULL);
CREATE INDEX alert_occurrence_tag ON public.alert_occurrence USING btree (tag, occurrence);
CREATE UNIQUE INDEX alert_open ON public.alert USING btree (wearer, family, zone, subject) NULLS NOT DISTINCT WHERE (handling <> 'closed'::text);
CREATE INDEX alert_paper ON public.alert USING btree (kind) WHERE ((condition = 'active'::text) AND (kind = ANY (ARRAY['not_fitted'::text, 'no_first_fix'::text, 'paperwork'::text])));
CREATE INDEX alert_queue ON public.alert USING btree (severity, event_at) WHERE (handling <> 'closed'::text);
CREATE INDEX alert_wearer ON public.alert USING btree (wearer, event_at);
CREATE UNIQUE INDEX commit_told_base ON public.commit_told USING btree (base);
CREATE INDEX contact_alert ON public.contact USING btree (alert);
CREATE INDEX contact_owed ON public.contact USING btree (callback_at) WHERE ((callback_at IS NOT NULL) AND (settled_by IS NULL));
CREATE INDEX contact_wearer ON public.contact USING btree (wearer);
CREATE INDEX curfew_version_home ON public.curfew_version USING btree (home);
CREATE INDEX curfew_version_order ON public.curfew_version USING btree (monitoring_order);
CREATE INDEX delivery_alert ON public.delivery USING btree (alert, channel);
CREATE INDEX delivery_due ON public.delivery USING btree (channel, severity, due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX delivery_open ON public.delivery USING btree (created_at) WHERE (state = ANY (ARRAY['waiting'::text, 'dead'::text]));
CREATE INDEX feed_control ON public.feed_entry USING btree ("position") WHERE (kind = 'control'::text);
CREATE UNIQUE INDEX handover_offered ON public.handover USING btree (from_account) WHERE ((accepted_at IS NULL) AND (withdrawn_at IS NULL));
CREATE INDEX handover_to ON public.handover USING btree (to_account) WHERE ((accepted_at IS NULL) AND (withdrawn_at IS NULL));
CREATE INDEX monitoring_order_officer ON public.monitoring_order USING btree (officer);
CREATE INDEX monitoring_order_wearer ON public.monitoring_order USING btree (wearer);
CREATE INDEX muted_page_pause ON public.muted_page USING btree (pause);
CREATE INDEX order_change_waiting ON public.order_change USING btree (monitoring_order) WHERE (decision IS NULL);
CREATE INDEX outage_alert ON public.outage USING btree (alert);
CREATE INDEX outage_hold_alert ON public.outage_hold USING btree (alert);
CREATE INDEX outage_hold_outage ON public.outage_hold USING btree (outage, alert);
CREATE INDEX outage_hold_standing ON public.outage_hold USING btree (outage, id) WHERE (released_at IS NULL);
CREATE INDEX outage_hold_unnoted ON public.outage_hold USING btree (id) WHERE (NOT noted);
CREATE INDEX outage_open ON public.outage USING btree (id) WHERE (settled_at IS NULL);
CREATE INDEX outage_tag_still ON public.outage_tag USING btree (tag) WHERE (back_at IS NULL);
CREATE INDEX outbox_alert ON public.outbox USING btree (alert);
CREATE INDEX outbox_fresh ON public.outbox USING btree (id) WHERE (addressed_at IS NULL);
CREATE INDEX pause_unsettled ON public.pause USING btree (until) WHERE (settled_at IS NULL);
CREATE INDEX pause_wearer ON public.pause USING btree (wearer, until);
CREATE INDEX receipt_at ON public.receipt USING brin (at);
CREATE INDEX session_family ON public.session USING btree (family);
CREATE INDEX transfer_offered ON public.transfer USING btree (to_account) WHERE ((accepted_at IS NULL) AND (withdrawn_at IS NULL));
CREATE UNIQUE INDEX visit_attempt_open ON public.visit_attempt USING btree (visit) WHERE (signed_out IS NULL);
CREATE INDEX visit_open ON public.visit USING btree (window_from) WHERE ((cancelled_at IS NULL) AND (NOT done));
CREATE INDEX visit_wearer ON public.visit USING btree (wearer);
CREATE INDEX waiting_change_subject ON public.waiting_change USING btree (kind, subject);
CREATE TRIGGER account_no_officer BEFORE INSERT OR UPDATE OF role ON public.account FOR EACH ROW EXECUTE FUNCTION public.note_no_officer();
CREATE TRIGGER alert_calls_follow AFTER UPDATE OF owner, handling ON public.alert FOR EACH ROW WHEN (((old.owner IS DISTINCT FROM new.owner) OR ((old.handling = 'closed'::text) AND (new.handling <> 'closed'::text) AND public.can_call(new.owner)))) EXECUTE FUNCTION public.calls_follow_owner();
CREATE TRIGGER outbox_mute BEFORE INSERT ON public.outbox FOR EACH ROW EXECUTE FUNCTION public.mute_page();
CREATE TRIGGER outbox_outage BEFORE INSERT ON public.outbox FOR EACH ROW EXECUTE FUNCTION public.hold_page();
ALTER TABLE ONLY public.absence
    ADD CONSTRAINT absence_curfew_fkey FOREIGN KEY (curfew) REFERENCES public.curfew(id);
ALTER TABLE ONLY public.absence
    ADD CONSTRAINT absence_recorded_by_fkey FOREIGN KEY (recorded_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_organisation_fkey FOREIGN KEY (organisation) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.activation
    ADD CONSTRAINT activation_wearer_fkey FOREIGN KEY (wearer) REFERENCES public.wearer(id);
ALTER TABLE ONLY public.alert_evidence
    ADD CONSTRAINT alert_evidence_alert_fkey FOREIGN KEY (alert) REFERENCES public.alert(id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_held_under_fkey FOREIGN KEY (held_under) REFERENCES public.alert(id);
ALTER TABLE ONLY public.alert_history
    ADD CONSTRAINT alert_history_actor_fkey FOREIGN KEY (actor) REFERENCES public.account(id);
ALTER TABLE ONLY public.alert_history
    ADD CONSTRAINT alert_history_alert_fkey FOREIGN KEY (alert) REFERENCES public.alert(id);
ALTER TABLE ONLY public.alert_occurrence
    ADD CONSTRAINT alert_occurrence_alert_fkey FOREIGN KEY (alert) REFERENCES public.alert(id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_owner_fkey FOREIGN KEY (owner) REFERENCES public.account(id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_wearer_fkey FOREIGN KEY (wearer) REFERENCES public.wearer(id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_actor_fkey FOREIGN KEY (actor) REFERENCES public.account(id);
ALTER TABLE ONLY public.channel
    ADD CONSTRAINT channel_officer_fkey FOREIGN KEY (officer) REFERENCES public.account(id);
ALTER TABLE ONLY public.channel
    ADD CONSTRAINT channel_organisation_fkey FOREIGN KEY (organisation) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.channel
    ADD CONSTRAINT channel_undelivered_fkey FOREIGN KEY (undelivered) REFERENCES public.alert(id);
ALTER TABLE ONLY public.commit_journal
    ADD CONSTRAINT commit_journal_lane_fkey FOREIGN KEY (lane) REFERENCES public.lane(partition);
ALTER TABLE ONLY public.commit_link
    ADD CONSTRAINT commit_link_lane_fkey FOREIGN KEY (lane) REFERENCES public.lane(partition);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_alert_fkey FOREIGN KEY (alert) REFERENCES public.alert(id);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_owed_by_fkey FOREIGN KEY (owed_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_settled_by_fkey FOREIGN KEY (settled_by) REFERENCES public.contact(id);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_wearer_fkey FOREIGN KEY (wearer) REFERENCES public.wearer(id);
ALTER TABLE ONLY public.cover
    ADD CONSTRAINT cover_covered_by_fkey FOREIGN KEY (covered_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.cover
    ADD CONSTRAINT cover_officer_fkey FOREIGN KEY (officer) REFERENCES public.account(id);
ALTER TABLE ONLY public.curfew_version
    ADD CONSTRAINT curfew_version_curfew_fkey FOREIGN KEY (curfew) REFERENCES public.curfew(id);
ALTER TABLE ONLY public.curfew_version
    ADD CONSTRAINT curfew_version_home_fkey FOREIGN KEY (home) REFERENCES public.zone(id);
ALTER TABLE ONLY public.curfew_version
    ADD CONSTRAINT curfew_version_monitoring_order_fkey FOREIGN KEY (monitoring_order) REFERENCES public.monitoring_order(id);
ALTER TABLE ONLY public.curfew_version
    ADD CONSTRAINT curfew_version_recorded_by_fkey FOREIGN KEY (recorded_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_alert_fkey FOREIGN KEY (alert) REFERENCES public.alert(id);
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_channel_fkey FOREIGN KEY (channel) REFERENCES public.channel(id);
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_outbox_fkey FOREIGN KEY (outbox) REFERENCES public.outbox(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.escalation
    ADD CONSTRAINT escalation_monitoring_order_fkey FOREIGN KEY (monitoring_order) REFERENCES public.monitoring_order(id);
ALTER TABLE ONLY public.first_fix
    ADD CONSTRAINT first_fix_activation_fkey FOREIGN KEY (activation) REFERENCES public.activation(id);
ALTER TABLE ONLY public.gateway_key
    ADD CONSTRAINT gateway_key_gateway_fkey FOREIGN KEY (gateway) REFERENCES public.gateway(id);
ALTER TABLE ONLY public.handover
    ADD CONSTRAINT handover_from_account_fkey FOREIGN KEY (from_account) REFERENCES public.account(id);
ALTER TABLE ONLY public.handover
    ADD CONSTRAINT handover_to_account_fkey FOREIGN KEY (to_account) REFERENCES public.account(id);
ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_alert_fkey FOREIGN KEY (alert) REFERENCES public.alert(id);
ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_monitoring_order_fkey FOREIGN KEY (monitoring_order) REFERENCES public.monitoring_order(id);
ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_wearer_fkey FOREIGN KEY (wearer) REFERENCES public.wearer(id);
ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);
ALTER TABLE ONLY public.imported
    ADD CONSTRAINT imported_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);
ALTER TABLE ONLY public.monitoring_order
    ADD CONSTRAINT monitoring_order_officer_fkey FOREIGN KEY (officer) REFERENCES public.account(id);
ALTER TABLE ONLY public.monitoring_order
    ADD CONSTRAINT monitoring_order_organisation_fkey FOREIGN KEY (organisation) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.monitoring_order
    ADD CONSTRAINT monitoring_order_wearer_fkey FOREIGN KEY (wearer) REFERENCES public.wearer(id);
ALTER TABLE ONLY public.muted_page
    ADD CONSTRAINT muted_page_alert_fkey FOREIGN KEY (alert) REFERENCES public.alert(id);
ALTER TABLE ONLY public.muted_page
    ADD CONSTRAINT muted_page_pause_fkey FOREIGN KEY (pause) REFERENCES public.pause(id);
ALTER TABLE ONLY public.order_change
    ADD CONSTRAINT order_change_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.order_change
    ADD CONSTRAINT order_change_monitoring_order_fkey FOREIGN KEY (monitoring_order) REFERENCES public.monitoring_order(id);
ALTER TABLE ONLY public.order_change
    ADD CONSTRAINT order_change_proposed_by_fkey FOREIGN KEY (proposed_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.order_status
    ADD CONSTRAINT order_status_monitoring_order_fkey FOREIGN KEY (monitoring_order) REFERENCES public.monitoring_order(id);
ALTER TABLE ONLY public.order_status
    ADD CONSTRAINT order_status_recorded_by_fkey FOREIGN KEY (recorded_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.outage
    ADD CONSTRAINT outage_alert_fkey FOREIGN KEY (alert) REFERENCES public.alert(id);
ALTER TABLE ONLY public.outage_hold
    ADD CONSTRAINT outage_hold_alert_fkey FOREIGN KEY (alert) REFERENCES public.alert(id);
ALTER TABLE ONLY public.outage_hold
    ADD CONSTRAINT outage_hold_outage_fkey FOREIGN KEY (outage) REFERENCES public.outage(id);
ALTER TABLE ONLY public.outage_tag
    ADD CONSTRAINT outage_tag_outage_fkey FOREIGN KEY (outage) REFERENCES public.outage(id);
ALTER TABLE ONLY public.outage_tag
    ADD CONSTRAINT outage_tag_wearer_fkey FOREIGN KEY (wearer) REFERENCES public.wearer(id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_alert_fkey FOREIGN KEY (alert) REFERENCES public.alert(id);
ALTER TABLE ONLY public.pause
    ADD CONSTRAINT pause_approved_by_fkey FOREIGN KEY (approved_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.pause
    ADD CONSTRAINT pause_ended_by_fkey FOREIGN KEY (ended_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.pause
    ADD CONSTRAINT pause_longer_by_fkey FOREIGN KEY (longer_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.pause
    ADD CONSTRAINT pause_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.pause
    ADD CONSTRAINT pause_wearer_fkey FOREIGN KEY (wearer) REFERENCES public.wearer(id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);
ALTER TABLE ONLY public.settings_place
    ADD CONSTRAINT settings_place_monitoring_order_fkey FOREIGN KEY (monitoring_order) REFERENCES public.monitoring_order(id);
ALTER TABLE ONLY public.settings_place
    ADD CONSTRAINT settings_place_zone_fkey FOREIGN KEY (zone) REFERENCES public.zone(id);
ALTER TABLE ONLY public.settings_version
    ADD CONSTRAINT settings_version_place_fkey FOREIGN KEY (place) REFERENCES public.settings_place(id);
ALTER TABLE ONLY public.settings_version
    ADD CONSTRAINT settings_version_recorded_by_fkey FOREIGN KEY (recorded_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.snapshot
    ADD CONSTRAINT snapshot_lane_fkey FOREIGN KEY (lane) REFERENCES public.lane(partition);
ALTER TABLE ONLY public.snapshot_mark
    ADD CONSTRAINT snapshot_mark_lane_fkey FOREIGN KEY (lane) REFERENCES public.lane(partition);
ALTER TABLE ONLY public.tag_hardware
    ADD CONSTRAINT tag_hardware_recorded_by_fkey FOREIGN KEY (recorded_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_from_account_fkey FOREIGN KEY (from_account) REFERENCES public.account(id);
ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_to_account_fkey FOREIGN KEY (to_account) REFERENCES public.account(id);
ALTER TABLE ONLY public.visit_attempt
    ADD CONSTRAINT visit_attempt_by_fkey FOREIGN KEY (by) REFERENCES public.account(id);
ALTER TABLE ONLY public.visit_attempt
    ADD CONSTRAINT visit_attempt_visit_fkey FOREIGN KEY (visit) REFERENCES public.visit(id);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_officer_fkey FOREIGN KEY (officer) REFERENCES public.account(id);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_wearer_fkey FOREIGN KEY (wearer) REFERENCES public.wearer(id);
ALTER TABLE ONLY public.waiting_change
    ADD CONSTRAINT waiting_change_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.waiting_change
    ADD CONSTRAINT waiting_change_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.wearer_group_member
    ADD CONSTRAINT wearer_group_member_wearer_fkey FOREIGN KEY (wearer) REFERENCES public.wearer(id);
ALTER TABLE ONLY public.wearer_group_member
    ADD CONSTRAINT wearer_group_member_wearer_group_fkey FOREIGN KEY (wearer_group) REFERENCES public.wearer_group(id);
ALTER TABLE ONLY public.zone_version
    ADD CONSTRAINT zone_version_applies_group_fkey FOREIGN KEY (applies_group) REFERENCES public.wearer_group(id);
ALTER TABLE ONLY public.zone_version
    ADD CONSTRAINT zone_version_applies_wearer_fkey FOREIGN KEY (applies_wearer) REFERENCES public.wearer(id);
ALTER TABLE ONLY public.zone_version
    ADD CONSTRAINT zone_version_recorded_by_fkey FOREIGN KEY (recorded_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.zone_version
    ADD CONSTRAINT zone_version_zone_fkey FOREIGN KEY (zone) REFERENCES public.zone(id);
