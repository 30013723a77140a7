"""Facts may go once their time is over, by the nightly job alone; the periods begin with their defaults.

The job names in its transaction the kind that it deletes (`lintel.retention`); the triggers then ask the
table whether this row's time is over. Whoever sets the name alone deletes nothing that is not due anyway.
"""

from django.db import migrations

DEFAULTS = {
    "withdrawn_faces": 0,
    "leavers_faces": 30,
    "idle_faces": 1095,
    "used_photographs": None,
    "refused_photographs": 30,
    "invitations": 30,
    "decisions": 90,
    "door_events": 365,
    "terminal_lines": 90,
    "working_time": 1095,
    "consents": 1095,
}

IS_DUE = """
CREATE FUNCTION access_is_due(kept text, moment timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        current_setting('lintel.retention', true) = kept
        AND moment < now() - make_interval(days => (SELECT days FROM access_retention WHERE kind = kept)),
        false
    )
$$;
"""

# The functions of 0010, 0008 and 0026 with one more way out.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION access_refuse_delete_unless_demo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {due}IF EXISTS (
        SELECT 1 FROM access_snapshot n
        JOIN access_kiosk k ON k.id = n.kiosk_id
        JOIN access_door d ON d.id = k.door_id
        JOIN access_site s ON s.id = d.site_id
        WHERE n.id = OLD.snapshot_id AND s.demo
    ) OR (
        OLD.snapshot_id IS NULL
        AND EXISTS (SELECT 1 FROM access_person p WHERE p.id = OLD.person_id AND p.demo)
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE FUNCTION access_refuse_delete_unless_demo_door() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {due}IF EXISTS (
        SELECT 1 FROM access_door d JOIN access_site s ON s.id = d.site_id WHERE d.id = OLD.door_id AND s.demo
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE FUNCTION access_refuse_change_of_paid_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.period_id IS NULL THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    {due_day}IF TG_OP = 'DELETE'
        AND EXISTS (SELECT 1 FROM access_person p WHERE p.id = OLD.person_id AND p.demo) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'This working day was paid: % refused; changes are adjustments', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""
DUE = """IF access_is_due(TG_ARGV[0], OLD.at) THEN
        RETURN OLD;
    END IF;
    """
DUE_DAY = """IF TG_OP = 'DELETE' AND access_is_due('working_time', OLD.day::timestamptz) THEN
        RETURN OLD;
    END IF;
    """
GUARDED = (
    ("decision_stays", "access_decision", "access_refuse_delete_unless_demo", "decisions"),
    ("punch_stays", "access_punch", "access_refuse_delete_unless_demo", "working_time"),
    ("doorevent_stays", "access_doorevent", "access_refuse_delete_unless_demo_door", "door_events"),
)


def triggers(*, named: bool) -> str:
    return "".join(
        f"DROP TRIGGER {name} ON {table}; CREATE TRIGGER {name} BEFORE DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {function}({repr(kind) if named else ''});\n"
        for name, table, function, kind in GUARDED
    )


def functions(due: str, due_day: str) -> str:
    return FUNCTIONS.replace("{due}", due).replace("{due_day}", due_day)


# Nobody's clock starts in the past: whoever was suspended before counts from today.
PEOPLE = """
UPDATE access_person SET suspended = now() WHERE NOT active AND erased IS NULL;
UPDATE access_person p SET last_seen = d.latest
    FROM (
        SELECT person_id, max(at AT TIME ZONE 'UTC')::date AS latest FROM access_decision
        WHERE granted AND person_id IS NOT NULL GROUP BY person_id
    ) d
    WHERE d.person_id = p.id;
UPDATE access_consent c SET ending = CASE
        WHEN EXISTS (
            SELECT 1 FROM access_consent n WHERE n.person_id = c.person_id AND n.id > c.id
        ) THEN 'replaced' ELSE 'withdrawn' END
    WHERE withdrawn IS NOT NULL;
"""


def begin(apps, schema_editor):
    Retention = apps.get_model("access", "Retention")
    Retention.objects.bulk_create([Retention(kind=kind, days=days) for kind, days in DEFAULTS.items()])


class Migration(migrations.Migration):
    dependencies = [("access", "0028_privacy")]
    operations = [
        migrations.RunPython(begin, migrations.RunPython.noop),
        migrations.RunSQL(
            IS_DUE + functions(DUE, DUE_DAY) + triggers(named=True),
            functions("", "") + triggers(named=False) + "DROP FUNCTION access_is_due(text, timestamptz);",
        ),
        migrations.RunSQL(PEOPLE, migrations.RunSQL.noop),
    ]
