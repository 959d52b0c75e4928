-- Who reopens an alert has the calls about it, also where it was theirs before: meanwhile they may have handed them over, or somebody
-- else may have logged one. Where they had it before and could not make them, calls stay whose they are; where it was another's, they
-- are nobody's.
CREATE OR REPLACE TRIGGER alert_calls_follow AFTER UPDATE OF owner, handling ON alert FOR EACH ROW
    WHEN (OLD.owner IS DISTINCT FROM NEW.owner OR OLD.handling = 'closed' AND NEW.handling <> 'closed' AND can_call(NEW.owner))
    EXECUTE FUNCTION calls_follow_owner();
