"""The rules as they were: every change of a row that decides who passes is kept, by the database itself.

Promise: under `as_of(version)` every query reads those rows as they stood then, so past decisions are
explained by the very code that makes them. No name of a person is kept, only keys, switches and dates.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

# What is kept of each table: the columns that decide. A test holds the list against the tables.
RULES = {
    "access_site": "id name zone keeps_access keeps_attendance locked_down",
    "access_door": "id site_id name deadline_ms freshness_seconds liveness mode factors two_person_seconds"
    " free_from free_until enters_id leaves_id interlock_seconds offline mode_until mode_after",
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


class RuleChange(models.Model):
    """Personal data: keys of people, whether and in which days they may pass. Never changed or deleted.

    Written by triggers alone, when a transaction commits and in the order of commits: who has read the
    version twice, and found it the same, has read the rules of one moment in between.
    """

    table = models.CharField(_("table"), max_length=60)
    key = models.BigIntegerField(_("key"))
    row = models.JSONField(_("row"))
    gone = models.BooleanField(_("deleted"))
    at = models.DateTimeField(_("at"), db_index=True)

    class Meta:
        verbose_name = _("change of a rule")
        verbose_name_plural = _("changes of rules")
        ordering = ["-id"]
        indexes = [models.Index(fields=["table", "key", "-id"], name="rule_changes_of_a_row")]

    def __str__(self) -> str:
        return f"{self.table}:{self.key}"


def version() -> int:
    """The version of the rules: grows with each change, 0 before the first."""
    return RuleChange.objects.aggregate(last=models.Max("id"))["last"] or 0


def version_at(at: datetime) -> int | None:
    """The version in force at a moment (with zone), by the database's clock; None before any was kept."""
    return RuleChange.objects.filter(at__lte=at).aggregate(last=models.Max("id"))["last"]


class ReadOnly(Exception):
    """Something would have been written under the rules of another moment."""


@contextmanager
def as_of(version: int) -> Iterator[None]:
    """Within this, every query of this thread reads the tables in RULES as they stood at a version.

    Columns that are not kept read as NULL. Nothing may be written or locked: raises ReadOnly.
    """
    then = _tables(version)

    def rewritten(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        verb = sql.lstrip("( \n").partition(" ")[0].upper()
        if verb != "SELECT" or " FOR UPDATE" in sql or " FOR NO KEY UPDATE" in sql:
            if verb in {"SAVEPOINT", "RELEASE", "ROLLBACK"}:
                return execute(sql, params, many, context)
            raise ReadOnly(f"{verb} under the rules of another moment")
        return execute(then + sql, params, many, context)

    with connection.execute_wrapper(rewritten):
        yield


def _tables(version: int) -> str:
    """Each table under its own name, as it was: a name bound by WITH hides the table of that name."""
    return "WITH " + ",\n".join(_THEN.format(table=table, version=int(version)) for table in RULES) + "\n"


_THEN = """{table} AS (
    SELECT kept.* FROM (
        SELECT DISTINCT ON (c.key) c.row, c.gone FROM access_rulechange c
        WHERE c."table" = '{table}' AND c.id <= {version} ORDER BY c.key, c.id DESC
    ) latest, jsonb_populate_record(NULL::{table}, latest.row) kept WHERE NOT latest.gone
)"""
