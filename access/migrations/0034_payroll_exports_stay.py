"""What was handed to the payroll stays on record as it was; only who made it may be forgotten with a login."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION access_refuse_change_but_of_maker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.made_by_id IS NULL
        AND to_jsonb(NEW) - 'made_by_id' = to_jsonb(OLD) - 'made_by_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER payrollexport_stays BEFORE UPDATE OR DELETE ON access_payrollexport
    FOR EACH ROW EXECUTE FUNCTION access_refuse_change_but_of_maker();
CREATE TRIGGER payrollexport_no_truncate BEFORE TRUNCATE ON access_payrollexport
    FOR EACH STATEMENT EXECUTE FUNCTION access_refuse_change();
"""
BACKWARD = """
DROP TRIGGER payrollexport_no_truncate ON access_payrollexport;
DROP TRIGGER payrollexport_stays ON access_payrollexport;
DROP FUNCTION access_refuse_change_but_of_maker();
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0033_payroll_files")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
