"""The access log: each decision at a door, granted or refused, with the reason in words."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from access.decisions import Decision
from access.doors.reasons import REASONS
from access.reports.filters import OUTCOMES, Asked
from access.reports.punches import within_days
from access.reports.shape import Column, Found, Kind, Report, Row
from access.staff import Staff

WAYS = {"in": (_("in"), "default"), "out": (_("out"), "default")}
VERDICTS = {
    "granted": (OUTCOMES["granted"], "success"),
    "refused": (OUTCOMES["refused"], "danger"),
}
COLUMNS = (
    Column("at", _("Time"), Kind.MOMENT, leads="decision", width=20),
    Column("outcome", _("Decision"), Kind.WORD, leads="decision", width=11, words=VERDICTS),
    Column(
        "reason",
        _("Reason"),
        Kind.WORD,
        leads="decision",
        width=44,
        words={reason.value: (text, "") for reason, text in REASONS.items()},
    ),
    Column("badge", _("Badge"), width=12),
    Column("name", _("Name"), leads="person", width=26),
    Column("department", _("Department"), width=20),
    Column("direction", _("Direction"), Kind.WORD, width=10, words=WAYS),
    Column("site", _("Site"), width=18),
    Column("door", _("Door"), width=18),
    Column("kiosk", _("Kiosk"), width=18),
    Column("milliseconds", _("Took (ms)"), Kind.NUMBER, leads="decision", width=10),
)


def found(asked: Asked, staff: Staff) -> Found:
    """The newest first; of a stranger, only for whoever reaches everybody."""
    rows = within_days(Decision.objects.all(), asked, "at", "snapshot__kiosk__door__site__zone")
    rows = asked.narrow(rows, staff)
    if asked.site is not None:
        rows = rows.filter(snapshot__kiosk__door__site=asked.site)
    if asked.door is not None:
        rows = rows.filter(snapshot__kiosk__door=asked.door)
    if asked.reason:
        rows = rows.filter(reason=asked.reason)
    if asked.outcome:
        rows = rows.filter(granted=asked.outcome == "granted")
    rows = rows.defer("facts").select_related("person__department", "snapshot__kiosk__door__site")
    return rows.order_by("-at", "-pk")


def told(asked: Asked, batch: Sequence[Decision]) -> list[Row]:
    return [_row(decision) for decision in batch]


def _row(decision: Decision) -> Row:
    snapshot, person = decision.snapshot, decision.person
    kiosk, door = snapshot.kiosk, snapshot.kiosk.door
    took = (decision.at - snapshot.received).total_seconds() * 1000
    at = decision.at.astimezone(ZoneInfo(door.site.zone))
    cells = (
        at,
        "granted" if decision.granted else "refused",
        decision.reason,
        person.badge if person else "",
        person.name if person else "",
        str(person.department or "") if person else "",
        decision.direction,
        door.site.name,
        door.name,
        kiosk.name,
        round(took),
    )
    about = {"decision": decision.pk, "person": decision.person_id, "day": at.date()}
    return Row(decision.pk, cells, group=door.site.name, about=about)


REPORT = Report(
    key="passages",
    title=_("Access log"),
    text=_("Each decision at a door, with its reason, the newest first."),
    icon="sensor_door",
    rights=("access.view_decision",),
    filters=("period", "site", "door", "person", "reason", "outcome"),
    columns=lambda asked: COLUMNS,
    found=found,
    told=told,
    period="today",
    batch=2000,
)
