-- The contact log, and which clocks people have stopped (store/contacts.py, store/alerts.py). Handling columns only: people's.
CREATE TABLE contact (
    id                bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    alert             bigint REFERENCES alert,
    wearer            bigint REFERENCES wearer,
    at                timestamptz NOT NULL,
    account           bigint NOT NULL REFERENCES account,      -- who logged it
    way               text NOT NULL CHECK (way IN ('call', 'message')),
    direction         text NOT NULL CHECK (direction IN ('out', 'in')),
    person            text NOT NULL CHECK (person IN ('wearer', 'victim', 'police', 'officer', 'other')),
    name              text,
    number            text,
    outcome           text NOT NULL CHECK (outcome IN ('spoke', 'no_answer', 'refused', 'dead_number')),
    words             text,
    police_reference  text,
    callback_at       timestamptz,
    settled_by        bigint REFERENCES contact,               -- the later contact that made the callback good
    version           integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CHECK (alert IS NOT NULL OR wearer IS NOT NULL)
);
CREATE INDEX contact_alert ON contact (alert);
CREATE INDEX contact_wearer ON contact (wearer);
CREATE INDEX contact_owed ON contact (callback_at) WHERE callback_at IS NOT NULL AND settled_by IS NULL;

-- How many of the alert's calls had been made contact about, and decided on: as handled_calls is of those seen.
ALTER TABLE alert ADD COLUMN contacted_calls integer NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN decided_calls integer NOT NULL DEFAULT 0;
-- The last acknowledgement or step.
ALTER TABLE alert ADD COLUMN handled_at timestamptz;

-- What was so by the rule before: anything done stopped the clock of the first contact. The few that are open alone.
UPDATE alert SET contacted_calls = handled_calls WHERE handling = 'in_progress';
UPDATE alert SET handled_at = now() WHERE handling = 'acknowledged';
