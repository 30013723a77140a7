"""What a door reported is a fact: never changed, and deleted only with a demo's door."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION access_refuse_delete_unless_demo_door() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM access_door d JOIN access_site s ON s.id = d.site_id WHERE d.id = OLD.door_id AND s.demo
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER doorevent_never_changes BEFORE UPDATE ON access_doorevent
    FOR EACH ROW EXECUTE FUNCTION access_refuse_change();
CREATE TRIGGER doorevent_stays BEFORE DELETE ON access_doorevent
    FOR EACH ROW EXECUTE FUNCTION access_refuse_delete_unless_demo_door();
CREATE TRIGGER doorevent_no_truncate BEFORE TRUNCATE ON access_doorevent
    FOR EACH STATEMENT EXECUTE FUNCTION access_refuse_change();
"""

BACKWARD = """
DROP TRIGGER doorevent_never_changes ON access_doorevent;
DROP TRIGGER doorevent_stays ON access_doorevent;
DROP TRIGGER doorevent_no_truncate ON access_doorevent;
DROP FUNCTION access_refuse_delete_unless_demo_door();
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0007_alarms_and_contacts")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
