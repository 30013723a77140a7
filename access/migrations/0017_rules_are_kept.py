"""Triggers keep every change of a rule, in the order of commits; the rules of today are the first version.

The triggers run when a transaction commits, one transaction after the other, and only there: an edit that
takes long keeps no door waiting. The columns are written out, because a migration must not change with the code.
"""

from django.db import migrations

KEPT = {
    "access_site": "id name zone keeps_access keeps_attendance locked_down",
    "access_door": "id site_id name deadline_ms freshness_seconds liveness mode factors two_person_seconds free_from free_until enters_id leaves_id interlock_seconds offline",
    "access_door_admits": "id door_id gallery_id",
    "access_door_interlocked": "id from_door_id to_door_id",
    "access_kiosk": "id door_id name direction faces active",
    "access_gallery": "id name",
    "access_gallery_people": "id gallery_id person_id",
    "access_person": "id active valid_from valid_until without_face erased",
    "access_consent": "id person_id text_id withdrawn",
    "access_consenttext": "id version for_access for_attendance",
    "access_zone": "id site_id name passback passback_minutes most reset_at",
    "access_zone_exempt": "id zone_id gallery_id",
    "access_holiday": "id site_id day name short yearly",
    "access_schedule": "id name keeps_holidays",
    "access_schedulebar": "id schedule_id row start end factors",
    "access_accesslevel": "id name schedule_id first last",
    "access_accesslevel_doors": "id accesslevel_id door_id",
    "access_accesslevel_galleries": "id accesslevel_id gallery_id",
    "access_accesslevel_people": "id accesslevel_id person_id",
    "access_grant": "id person_id begins ends schedule_id",
    "access_grant_doors": "id grant_id door_id",
}

# The number of the lock is any that nobody else here takes.
FUNCTION = """
CREATE FUNCTION access_keep_rule() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb;
    became jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT jsonb_object_agg(name, to_jsonb(OLD) -> name) INTO was FROM unnest(TG_ARGV) name;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT jsonb_object_agg(name, to_jsonb(NEW) -> name) INTO became FROM unnest(TG_ARGV) name;
    END IF;
    IF was IS NOT DISTINCT FROM became THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(7220106);
    INSERT INTO access_rulechange ("table", key, row, gone, at) VALUES (
        TG_TABLE_NAME, (coalesce(became, was) ->> 'id')::bigint, coalesce(became, was), became IS NULL,
        clock_timestamp()
    );
    RETURN NULL;
END $$;

CREATE TRIGGER rulechange_append_only BEFORE UPDATE OR DELETE ON access_rulechange
    FOR EACH ROW EXECUTE FUNCTION access_refuse_change();
CREATE TRIGGER rulechange_no_truncate BEFORE TRUNCATE ON access_rulechange
    FOR EACH STATEMENT EXECUTE FUNCTION access_refuse_change();
"""


def statements(columns_of=KEPT):
    for table, kept in columns_of.items():
        names = kept.split()
        of = ", ".join(f'"{name}"' for name in names)
        told = ", ".join(f"'{name}'" for name in names)
        pairs = ", ".join(f"'{name}', t.\"{name}\"" for name in names)
        yield (
            f"""
            CREATE CONSTRAINT TRIGGER rules_are_kept AFTER INSERT OR DELETE OR UPDATE OF {of} ON {table}
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION access_keep_rule({told});
            INSERT INTO access_rulechange ("table", key, row, gone, at)
                SELECT '{table}', t.id, jsonb_build_object({pairs}), false, clock_timestamp() FROM {table} t
                ORDER BY t.id;
            """,
            f"DROP TRIGGER rules_are_kept ON {table};",
        )


class Migration(migrations.Migration):
    dependencies = [("access", "0016_rule_changes")]
    operations = [
        migrations.RunSQL(
            FUNCTION,
            """
            DROP TRIGGER rulechange_append_only ON access_rulechange;
            DROP TRIGGER rulechange_no_truncate ON access_rulechange;
            DROP FUNCTION access_keep_rule();
            """,
        ),
        *(migrations.RunSQL(forward, backward) for forward, backward in statements()),
    ]
