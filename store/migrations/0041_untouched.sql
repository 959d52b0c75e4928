-- What is in progress as this comes has the whole time from now on to be worked at: by the rule before, one step kept an alert from
-- coming back to the queue for good, and all that had one hours ago would come back at once, each with a page. But not where an
-- escalation is still on its way to a channel: its receiver would not be told of it, as if somebody had done something since.
UPDATE alert a SET handled_at = now()
WHERE handling = 'in_progress' AND NOT EXISTS (
    SELECT FROM outbox o LEFT JOIN delivery d ON d.outbox = o.id
    WHERE o.alert = a.id AND o.topic = 'escalation' AND (o.addressed_at IS NULL OR d.due_at IS NOT NULL));
