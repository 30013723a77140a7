"""The days of a locked payroll period stay as they were paid; the database itself refuses to change them."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION access_refuse_change_of_paid_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.period_id IS NULL THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM access_person p WHERE p.id = OLD.person_id AND p.demo) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'This working day was paid: % refused; changes are adjustments', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER paid_day_stays BEFORE UPDATE OR DELETE ON access_workday
    FOR EACH ROW EXECUTE FUNCTION access_refuse_change_of_paid_day();
"""
BACKWARD = """
DROP TRIGGER paid_day_stays ON access_workday;
DROP FUNCTION access_refuse_change_of_paid_day();
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0025_events_noted")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
