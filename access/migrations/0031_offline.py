"""What kiosks decided without the network: their events, and what cards and PINs are known by in bundles.

Events are facts like the decisions that they tell of: they refuse to be changed, and go after them.
"""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION access_refuse_delete_before_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM access_decision d WHERE d.snapshot_id = OLD.snapshot_id) OR EXISTS (
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

CREATE TRIGGER offlineevent_never_changes BEFORE UPDATE ON access_offlineevent
    FOR EACH ROW EXECUTE FUNCTION access_refuse_change();
CREATE TRIGGER offlineevent_stays BEFORE DELETE ON access_offlineevent
    FOR EACH ROW EXECUTE FUNCTION access_refuse_delete_before_decision();
CREATE TRIGGER offlineevent_no_truncate BEFORE TRUNCATE ON access_offlineevent
    FOR EACH STATEMENT EXECUTE FUNCTION access_refuse_change();
"""
BACKWARD = """
DROP TRIGGER offlineevent_never_changes ON access_offlineevent;
DROP TRIGGER offlineevent_stays ON access_offlineevent;
DROP TRIGGER offlineevent_no_truncate ON access_offlineevent;
DROP FUNCTION access_refuse_delete_before_decision();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0030_challenges"),
    ]

    operations = [
        migrations.AddField(
            model_name="card",
            name="offline",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="kioskkey",
            name="bundle_people",
            field=models.PositiveIntegerField(editable=False, null=True, verbose_name="people in it"),
        ),
        migrations.AddField(
            model_name="kioskkey",
            name="bundle_until",
            field=models.DateTimeField(editable=False, null=True, verbose_name="offline data until"),
        ),
        migrations.AddField(
            model_name="pin",
            name="offline",
            field=models.BinaryField(null=True),
        ),
        migrations.AlterField(
            model_name="door",
            name="offline",
            field=models.CharField(
                choices=[
                    ("deny", "opens for nobody"),
                    ("pin_only", "opens for a PIN known to the kiosk"),
                    ("allow_cached", "opens for whoever the kiosk knows"),
                ],
                default="deny",
                help_text="What a kiosk at this door does by itself while it cannot reach us. Faces are then recognised by nobody: a card or PIN stands in for them, and with what else the door asks for, both.",
                max_length=12,
                verbose_name="without the network",
            ),
        ),
        migrations.AlterField(
            model_name="snapshot",
            name="kind",
            field=models.CharField(
                choices=[
                    ("snapshot", "snapshot"),
                    ("crop", "crop"),
                    ("pass", "without a picture"),
                    ("offline", "told later by the kiosk"),
                ],
                max_length=8,
                verbose_name="kind",
            ),
        ),
        migrations.CreateModel(
            name="OfflineEvent",
            fields=[
                (
                    "snapshot",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="offline",
                        serialize=False,
                        to="access.snapshot",
                    ),
                ),
                ("line", models.UUIDField(verbose_name="line")),
                ("seq", models.PositiveBigIntegerField(verbose_name="number")),
                ("boot", models.UUIDField(verbose_name="life of the page")),
                ("wall", models.BigIntegerField()),
                ("ticks", models.BigIntegerField()),
                ("bundle", models.DateTimeField(null=True, verbose_name="data of")),
                (
                    "clock",
                    models.CharField(
                        choices=[
                            ("fine", "right"),
                            ("drifted", "put right by seconds"),
                            ("clock_untrusted", "not to be trusted"),
                        ],
                        max_length=16,
                        verbose_name="clock",
                    ),
                ),
                ("apart_ms", models.BigIntegerField(verbose_name="clocks apart by (ms)")),
                ("conflict", models.JSONField(null=True, verbose_name="conflict")),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="access.kioskkey",
                    ),
                ),
            ],
            options={
                "verbose_name": "offline event",
                "verbose_name_plural": "offline events",
                "ordering": ["-snapshot__received"],
                "indexes": [
                    models.Index(fields=["line", "seq"], name="offline_events_in_line"),
                    models.Index(
                        condition=models.Q(("conflict__isnull", False)),
                        fields=["snapshot"],
                        name="offline_events_in_conflict",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
