-- Since when an outage has too few silent tags left to be one: it does not mute for good whoever never comes back.
ALTER TABLE outage ADD COLUMN under_at timestamptz;
