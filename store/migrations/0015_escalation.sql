-- Who is told when a clock runs out, by the time of day: one chain for all orders, and one for each order that has its own.
CREATE TABLE escalation (
    id                bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    monitoring_order  bigint REFERENCES monitoring_order,     -- NULL: every order without one of its own, and what concerns none
    timezone          text NOT NULL,
    office            jsonb NOT NULL,                          -- office hours as a timetable: windows and dated exceptions
    levels            jsonb NOT NULL,                          -- from the first: {"office": who, "otherwise": who}
    repeat_min        integer NOT NULL CHECK (repeat_min > 0), -- to the next level while nobody does anything
    version           integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT escalation_one UNIQUE NULLS NOT DISTINCT (monitoring_order)
);
INSERT INTO escalation (timezone, office, levels, repeat_min) VALUES (
    'Europe/London',
    '{"windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}]}',
    '[{"office": "duty_officer", "otherwise": "duty_manager"},
      {"office": "duty_manager", "otherwise": "duty_manager"},
      {"office": "police", "otherwise": "police"}]',
    10);

-- Handling columns of the duties that watch over people. A level belongs to the alert's calls as they were when it was raised.
ALTER TABLE alert ADD COLUMN escalated_calls integer NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN escalated_clocks smallint NOT NULL DEFAULT 0;  -- 1 acknowledge, 2 contact, 4 decision: those that raised it
ALTER TABLE alert ADD COLUMN escalated_at timestamptz;
ALTER TABLE alert ADD COLUMN escalated_to text;
