"""Punches of demo people that no snapshot made may be deleted with the demo, like those of a demo site."""

from django.db import migrations

BY_SITE = """
CREATE OR REPLACE FUNCTION access_refuse_delete_unless_demo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM access_snapshot n
        JOIN access_kiosk k ON k.id = n.kiosk_id
        JOIN access_door d ON d.id = k.door_id
        JOIN access_site s ON s.id = d.site_id
        WHERE n.id = OLD.snapshot_id AND s.demo
    ){or_person} THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""
BY_PERSON = """ OR (
        OLD.snapshot_id IS NULL
        AND EXISTS (SELECT 1 FROM access_person p WHERE p.id = OLD.person_id AND p.demo)
    )"""


class Migration(migrations.Migration):
    dependencies = [("access", "0009_leave_and_corrections")]
    operations = [
        migrations.RunSQL(BY_SITE.replace("{or_person}", BY_PERSON), BY_SITE.replace("{or_person}", ""))
    ]
