-- Curfews, one row a version, as zones are: nothing is ever deleted, old fixes are judged by old versions.
CREATE TABLE curfew (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE curfew_version (
    curfew            bigint NOT NULL REFERENCES curfew,
    version           integer NOT NULL,
    monitoring_order  bigint NOT NULL REFERENCES monitoring_order,
    home              bigint NOT NULL REFERENCES zone,
    grace_min         integer NOT NULL,
    timezone          text NOT NULL,                 -- the order's, as it was when this was saved
    timetable         jsonb NOT NULL,                -- windows and exceptions, as they were accepted
    in_force_from     timestamptz NOT NULL,
    in_force_to       timestamptz NOT NULL DEFAULT '9999-01-01 00:00:00+00',
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    recorded_by       bigint REFERENCES account,
    control_seq       bigint NOT NULL,               -- feed position of the commit that wrote or last ended it
    PRIMARY KEY (curfew, version)
);
CREATE INDEX curfew_version_order ON curfew_version (monitoring_order);
CREATE INDEX curfew_version_home ON curfew_version (home);

-- Authorised absences: the curfew asks nothing then. Withdrawn ones keep their row; whoever was judged by them stays judged.
CREATE TABLE absence (
    id             bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    curfew         bigint NOT NULL REFERENCES curfew,
    starts         timestamptz NOT NULL,
    ends           timestamptz NOT NULL,
    authoriser     text NOT NULL,
    reason         text NOT NULL,
    in_force_from  timestamptz NOT NULL,             -- given afterwards, it lifts nothing that was judged by then
    in_force_to    timestamptz NOT NULL DEFAULT '9999-01-01 00:00:00+00',
    version        integer NOT NULL DEFAULT 1,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    recorded_by    bigint REFERENCES account,
    CHECK (ends > starts)
);
CREATE INDEX absence_curfew ON absence (curfew);
