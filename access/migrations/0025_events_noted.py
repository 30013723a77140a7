"""Decisions, punches and alarms note themselves for every endpoint that wants them, in their own transaction."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION access_note_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO access_delivery (id, endpoint_id, event, key, made, state, tries, next_try, error)
    SELECT gen_random_uuid(), e.id, TG_ARGV[0], to_jsonb(NEW) ->> TG_ARGV[1],
           clock_timestamp(), 'pending', 0, clock_timestamp(), ''
    FROM access_endpoint e
    WHERE e.active AND TG_ARGV[0] = ANY(e.events)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER decision_is_told AFTER INSERT ON access_decision
    FOR EACH ROW EXECUTE FUNCTION access_note_event('decision.made', 'snapshot_id');
CREATE TRIGGER punch_is_told AFTER INSERT ON access_punch
    FOR EACH ROW EXECUTE FUNCTION access_note_event('punch.noted', 'id');
CREATE TRIGGER alarm_is_told AFTER INSERT ON access_alarm
    FOR EACH ROW EXECUTE FUNCTION access_note_event('alarm.raised', 'id');
CREATE TRIGGER alarm_acknowledged_is_told AFTER UPDATE ON access_alarm
    FOR EACH ROW WHEN (OLD.acknowledged IS NULL AND NEW.acknowledged IS NOT NULL)
    EXECUTE FUNCTION access_note_event('alarm.acknowledged', 'id');
"""

BACKWARD = """
DROP TRIGGER decision_is_told ON access_decision;
DROP TRIGGER punch_is_told ON access_punch;
DROP TRIGGER alarm_is_told ON access_alarm;
DROP TRIGGER alarm_acknowledged_is_told ON access_alarm;
DROP FUNCTION access_note_event();
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0024_endpoints_and_deliveries")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
