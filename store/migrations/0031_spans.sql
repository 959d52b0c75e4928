-- Figures are of a span (store/figures.py): without these each reads everything that ever happened.
CREATE INDEX alert_history_machine ON alert_history (at) WHERE actor IS NULL;
CREATE INDEX alert_detected ON alert (detected_at);

-- Which visits are still to be made is asked at each shift's end, of all there ever were.
ALTER TABLE visit ADD COLUMN done boolean NOT NULL DEFAULT false;
UPDATE visit SET done = true WHERE id IN (SELECT visit FROM visit_attempt WHERE outcome = 'done');
CREATE INDEX visit_open ON visit (window_from) WHERE cancelled_at IS NULL AND NOT done;
