-- Numbers that are set for everyone, an order type, an order or a zone: a version a save, as of zones. One place, one line of versions.
CREATE TABLE settings_place (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    scope text NOT NULL CHECK (scope IN ('all', 'type', 'order', 'zone')),
    order_type text NOT NULL DEFAULT '',
    monitoring_order bigint REFERENCES monitoring_order,
    zone bigint REFERENCES zone,
    CHECK ((scope = 'type') = (order_type <> '')),
    CHECK ((scope = 'order') = (monitoring_order IS NOT NULL)),
    CHECK ((scope = 'zone') = (zone IS NOT NULL)),
    UNIQUE NULLS NOT DISTINCT (scope, order_type, monitoring_order, zone)
);

CREATE TABLE settings_version (
    place bigint NOT NULL REFERENCES settings_place,
    version integer NOT NULL CHECK (version > 0),
    -- By the numbers' full names ("no_contact.standard_min"): model/setting.py has all of them.
    numbers jsonb NOT NULL CHECK (jsonb_typeof(numbers) = 'object'),
    in_force_from timestamptz NOT NULL,
    in_force_to timestamptz NOT NULL DEFAULT '9999-01-01 00:00:00+00',
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by bigint REFERENCES account,
    control_seq bigint NOT NULL,
    PRIMARY KEY (place, version),
    CHECK (in_force_from < in_force_to)
);

-- What the order types had in "setting" until now: legal caps, and what one person may relax alone.
WITH said AS (
    SELECT DISTINCT ON (name) split_part(name, '/', 1) AS what, substr(name, strpos(name, '/') + 1) AS order_type, value
    FROM setting WHERE name ~ '^(curfew-cap|curfew-second-person|zone-second-person|absence-second-person-h)/.'
    ORDER BY name, version DESC
), each AS (
    SELECT order_type, key, value FROM (
        SELECT order_type, 'cap.day_h' AS key, CASE WHEN value = 'null' THEN value ELSE value -> 'day_h' END AS value
        FROM said WHERE what = 'curfew-cap'
        UNION ALL SELECT order_type, 'cap.week_h', CASE WHEN value = 'null' THEN value ELSE value -> 'week_h' END
        FROM said WHERE what = 'curfew-cap'
        UNION ALL SELECT order_type, 'second_person.curfews', value FROM said WHERE what = 'curfew-second-person'
        UNION ALL SELECT order_type, 'second_person.zones', value FROM said WHERE what = 'zone-second-person'
        UNION ALL SELECT order_type, 'second_person.absence_h', value FROM said WHERE what = 'absence-second-person-h'
    ) AS every
), placed AS (
    INSERT INTO settings_place (scope, order_type) SELECT DISTINCT 'type', order_type FROM each RETURNING id, order_type
)
INSERT INTO settings_version (place, version, numbers, in_force_from, control_seq)
SELECT id, 1, jsonb_object_agg(key, value), '1970-01-01 00:00:00+00', 0 FROM placed JOIN each USING (order_type) GROUP BY id;
DELETE FROM setting WHERE name ~ '^(curfew-cap|curfew-second-person|zone-second-person|absence-second-person-h)/.';

ALTER TABLE waiting_change DROP CONSTRAINT waiting_change_kind_check,
    ADD CONSTRAINT waiting_change_kind_check CHECK (kind IN ('zone', 'wearer', 'group', 'absence', 'settings'));
