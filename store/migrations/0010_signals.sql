-- Alerts that come of the device itself, or of its silence.

-- The alert of the same wearer that one follows from: a dead battery holds the silence.
ALTER TABLE alert ADD COLUMN held_under bigint REFERENCES alert;

-- The device events an alert was judged by, beside the fixes: EVENT rows, little-endian.
ALTER TABLE alert_evidence ADD COLUMN events bytea NOT NULL DEFAULT '';

-- Since when a lane has been listening without a gap: while nobody listens, nobody is silent.
ALTER TABLE lane ADD COLUMN listening timestamptz NOT NULL DEFAULT 'epoch';
