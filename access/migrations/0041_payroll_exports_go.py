"""What was handed to the payroll goes with the working time it tells of, by the nightly job alone: see 0029."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION access_refuse_change_but_of_maker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.made_by_id IS NULL
        AND to_jsonb(NEW) - 'made_by_id' = to_jsonb(OLD) - 'made_by_id' THEN
        RETURN NEW;
    END IF;
    {due}RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""
DUE = """IF TG_OP = 'DELETE' AND access_is_due('working_time', OLD.made) THEN
        RETURN OLD;
    END IF;
    """


class Migration(migrations.Migration):
    dependencies = [("access", "0040_set_modes")]
    operations = [migrations.RunSQL(FUNCTION.replace("{due}", DUE), FUNCTION.replace("{due}", ""))]
