"""Modes of doors that end by themselves, with who set them and why; why a card ended; who locked down a site."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# As 0017 wrote the trigger, with the two columns that decide from now on.
KEPT = (
    "id site_id name deadline_ms freshness_seconds liveness mode factors two_person_seconds free_from free_until"
    " enters_id leaves_id interlock_seconds offline"
)


def trigger(columns: str) -> str:
    names = columns.split()
    of = ", ".join(f'"{name}"' for name in names)
    told = ", ".join(f"'{name}'" for name in names)
    return f"""
        DROP TRIGGER rules_are_kept ON access_door;
        CREATE CONSTRAINT TRIGGER rules_are_kept AFTER INSERT OR DELETE OR UPDATE OF {of} ON access_door
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION access_keep_rule({told});
    """


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0039_programs"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="door",
            options={
                "ordering": ["site__name", "name"],
                "permissions": [("set_door_mode", "Can set the mode of a door")],
                "verbose_name": "door",
                "verbose_name_plural": "doors",
            },
        ),
        migrations.AddField(
            model_name="card",
            name="ended",
            field=models.CharField(
                blank=True,
                choices=[
                    ("blocked", "blocked for now"),
                    ("lost", "lost or stolen"),
                    ("returned", "handed back"),
                ],
                max_length=8,
                verbose_name="why it ended",
            ),
        ),
        migrations.AddField(
            model_name="door",
            name="mode_after",
            field=models.CharField(
                choices=[
                    ("normal", "normal: the rule decides"),
                    ("locked", "locked down: nobody passes"),
                    ("free", "free passage: everybody passes"),
                    ("first_person", "free passage once the first person has come"),
                    ("two_person", "two people, one after the other"),
                ],
                default="normal",
                editable=False,
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="door",
            name="mode_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="door",
            name="mode_set",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="door",
            name="mode_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="door",
            name="mode_why",
            field=models.CharField(blank=True, editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name="site",
            name="lockdown_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="site",
            name="lockdown_why",
            field=models.CharField(blank=True, editable=False, max_length=200),
        ),
        migrations.AlterField(
            model_name="door",
            name="mode",
            field=models.CharField(
                choices=[
                    ("normal", "normal: the rule decides"),
                    ("locked", "locked down: nobody passes"),
                    ("free", "free passage: everybody passes"),
                    ("first_person", "free passage once the first person has come"),
                    ("two_person", "two people, one after the other"),
                ],
                default="normal",
                editable=False,
                max_length=12,
                verbose_name="mode",
            ),
        ),
        migrations.RunSQL(trigger(f"{KEPT} mode_until mode_after"), trigger(KEPT)),
    ]
