"""Facts that the database itself refuses to change: the audit trail, decisions, punches.

Decisions and punches of a demo site may be deleted (never changed), so that the demo leaves no trace.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION access_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION access_refuse_delete_unless_demo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM access_snapshot n
        JOIN access_kiosk k ON k.id = n.kiosk_id
        JOIN access_door d ON d.id = k.door_id
        JOIN access_site s ON s.id = d.site_id
        WHERE n.id = OLD.snapshot_id AND s.demo
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON access_auditentry
    FOR EACH ROW EXECUTE FUNCTION access_refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON access_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION access_refuse_change();

CREATE TRIGGER decision_never_changes BEFORE UPDATE ON access_decision
    FOR EACH ROW EXECUTE FUNCTION access_refuse_change();
CREATE TRIGGER decision_stays BEFORE DELETE ON access_decision
    FOR EACH ROW EXECUTE FUNCTION access_refuse_delete_unless_demo();
CREATE TRIGGER decision_no_truncate BEFORE TRUNCATE ON access_decision
    FOR EACH STATEMENT EXECUTE FUNCTION access_refuse_change();

CREATE TRIGGER punch_never_changes BEFORE UPDATE ON access_punch
    FOR EACH ROW EXECUTE FUNCTION access_refuse_change();
CREATE TRIGGER punch_stays BEFORE DELETE ON access_punch
    FOR EACH ROW EXECUTE FUNCTION access_refuse_delete_unless_demo();
CREATE TRIGGER punch_no_truncate BEFORE TRUNCATE ON access_punch
    FOR EACH STATEMENT EXECUTE FUNCTION access_refuse_change();
"""

BACKWARD = """
DROP TRIGGER audit_append_only ON access_auditentry;
DROP TRIGGER audit_no_truncate ON access_auditentry;
DROP TRIGGER decision_never_changes ON access_decision;
DROP TRIGGER decision_stays ON access_decision;
DROP TRIGGER decision_no_truncate ON access_decision;
DROP TRIGGER punch_never_changes ON access_punch;
DROP TRIGGER punch_stays ON access_punch;
DROP TRIGGER punch_no_truncate ON access_punch;
DROP FUNCTION access_refuse_delete_unless_demo();
DROP FUNCTION access_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0002_tables")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
