-- Who is told outside: channels, and one delivery for each message and each channel it is for (docs/notifications.md).

CREATE TABLE channel (
    id             bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name           text        NOT NULL UNIQUE,
    kind           text        NOT NULL CHECK (kind IN ('webhook', 'mail')),
    target         text        NOT NULL,              -- an address of the web, or of a person's mail
    secret         bytea,                             -- signs a webhook's messages; the receiver has it too, so it is kept as it is
    secret_before  bytea,                             -- the one before it signs as well for a while, until then
    before_until   timestamptz,
    kinds          text[],                            -- which alerts it is told of; NULL: all
    severities     smallint[],
    tells          text[],                            -- 'raised', or to whom an alert was escalated; NULL: all of it
    organisation   bigint      REFERENCES organisation,  -- only of orders of this organisation
    officer        bigint      REFERENCES account,    -- only of orders this officer is responsible for: their own caseload
    active         boolean     NOT NULL DEFAULT true,
    off_because    text        NOT NULL DEFAULT '',   -- where not a person switched it off
    undelivered    bigint      REFERENCES alert,      -- the alert raised because nothing gets through, while nothing does
    failing_since  timestamptz,
    delivered      bigint      NOT NULL DEFAULT 0,    -- messages, ever
    failed         bigint      NOT NULL DEFAULT 0,    -- tries, ever
    version        integer     NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now()
);

-- The outbox keeps what is to be told; to whom, how often it was tried and what came of it is each delivery's.
DROP INDEX outbox_due;
ALTER TABLE outbox RENAME COLUMN due_at TO at;
ALTER TABLE outbox DROP COLUMN attempts, DROP COLUMN sent_at, DROP COLUMN dead_at, DROP COLUMN last_error,
    -- What stands here by now was written while there was nobody to tell: addressed to nobody, now.
    ADD COLUMN addressed_at timestamptz DEFAULT now();
ALTER TABLE outbox ALTER COLUMN addressed_at DROP DEFAULT;
CREATE INDEX outbox_fresh ON outbox (id) WHERE addressed_at IS NULL;
CREATE INDEX outbox_alert ON outbox (alert);

CREATE TABLE delivery (
    id          bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    outbox      bigint      REFERENCES outbox ON DELETE CASCADE,  -- NULL: a test
    channel     bigint      NOT NULL REFERENCES channel,
    alert       bigint      REFERENCES alert,
    severity    smallint    NOT NULL,                 -- of the message: what goes first
    key         text        NOT NULL UNIQUE,          -- by which a receiver knows a message that comes twice
    state       text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'superseded', 'dead')),
    attempts    integer     NOT NULL DEFAULT 0,       -- tries begun; whoever begins one has the delivery until due_at
    due_at      timestamptz DEFAULT now(),            -- the next try, also of a dead one; NULL: there is none
    tried_at    timestamptz,
    settled_at  timestamptz,
    last_error  text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (outbox, channel)
);
CREATE INDEX delivery_due ON delivery (channel, severity, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_open ON delivery (created_at) WHERE state IN ('waiting', 'dead');
CREATE INDEX delivery_alert ON delivery (alert, channel);
