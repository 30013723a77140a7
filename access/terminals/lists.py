"""Punches from a list: a CSV out of another system, looked at first and then booked, every row once.

Promise: reading changes nothing and says of each row what is wrong with it and what would be right; the
same row books one punch, however often and in whatever file it comes.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access import attendance, audit
from access.attendance import CLOCK_TOLERANCE, Punch
from access.people import Person
from access.places import Site
from access.terminals import lines
from access.terminals.lines import Flag

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 100_000
# By what a column is known when nobody says which it is; compared without blanks, case and punctuation.
NAMES = {
    "badge": {
        "badge",
        "badgenumber",
        "badgeid",
        "badgeno",
        "employee",
        "employeeid",
        "personnelnumber",
        "pin",
    },
    "date": {"date", "day", "attendancedate", "punchdate"},
    "time": {"time", "timestamp", "datetime", "at", "punchtime", "clock", "attlogtime"},
    "direction": {"direction", "inout", "logtype", "punchstate", "state", "type", "way"},
}
DIRECTIONS = {
    "in": {"in", "i", "checkin", "clockin", "cin", "entry", "0", "4"},
    "out": {"out", "o", "checkout", "clockout", "cout", "exit", "1", "5"},
    "break_out": {"breakout", "2"},
    "break_in": {"breakin", "3"},
    "": {"", "auto", "255"},
}
DAYS = {
    "iso": ("%Y-%m-%d", "%d.%m.%Y"),
    "dmy": ("%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d", "%d.%m.%Y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y", "%Y-%m-%d"),
}
CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
ENCODINGS = ("utf-8-sig", "cp1252")


class Unusable(Exception):
    """The list as a whole cannot be read; says what would be accepted."""


@dataclass(frozen=True)
class Row:
    """One row of the list. `number` counts as a spreadsheet does, the header being 1."""

    number: int
    cells: tuple[str, ...]
    badge: str = ""
    person: int | None = None
    at: datetime | None = None
    direction: str = ""
    flag: Flag = Flag.NONE
    error: str = ""
    known: bool = False

    @property
    def fits(self) -> bool:
        return not self.error and not self.known


@dataclass(frozen=True)
class Sheet:
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    digest: str

    @property
    def errors(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.error)

    @property
    def new(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.fits)

    @property
    def known(self) -> int:
        return sum(row.known for row in self.rows)


def read(data: bytes, *, site: Site, days: str = "iso", columns: dict[str, str] | None = None) -> Sheet:
    """The list, each row with its punch or its error. Changes nothing. Raises Unusable.

    `columns` names the column of badge, date, time or direction where the header does not say it; `days` is
    how days with slashes read: dmy or mdy. Times without an offset are wall times of the site.
    """
    if len(data) > MOST_BYTES:
        raise Unusable(_("The list is too long: at most 20 MB."))
    text = decoded(data)
    header, cells = _table(text)
    places = _places(header, columns or {})
    people = {
        badge.lower(): pk for badge, pk in Person.objects.filter(erased=None).values_list("badge", "pk")
    }
    zone, now = ZoneInfo(site.zone), timezone.now()
    rows = [
        _row(number, tuple(row), places, people, zone, days, now)
        for number, row in enumerate(cells, start=2)
        if any(cell.strip() for cell in row)
    ]
    if not rows:
        raise Unusable(_("The list has a header and no rows."))
    return Sheet(tuple(header), _known(rows), hashlib.sha256(data).hexdigest())


def decoded(data: bytes) -> str:
    """The text of a list. Raises Unusable."""
    if b"\x00" in data:
        raise Unusable(_("This is no CSV: save the list as “CSV UTF-8”."))
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unusable(_("The letters cannot be read: save the list as “CSV UTF-8”."))


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    try:
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise Unusable(_("This is no CSV: %(error)s.") % {"error": error}) from error
    if not found or len(found) > MOST_ROWS + 1:
        raise Unusable(_("A header and at most %(rows)d rows are needed.") % {"rows": MOST_ROWS})
    return [cell.strip() for cell in found[0]], found[1:]


def _places(header: Sequence[str], columns: dict[str, str]) -> dict[str, int]:
    """Where each column stands. Raises Unusable if badge or time cannot be told."""
    bare = [_bare(name) for name in header]
    places: dict[str, int] = {}
    for wanted, names in NAMES.items():
        if given := columns.get(wanted):
            if given not in header:
                raise Unusable(
                    _("There is no column “%(name)s”; there are: %(names)s.")
                    % {"name": given, "names": ", ".join(header)}
                )
            places[wanted] = header.index(given)
        elif found := [place for place, name in enumerate(bare) if name in names]:
            places[wanted] = found[0]
    if "badge" not in places or "time" not in places:
        raise Unusable(
            _(
                "Columns named badge and time are needed, date and direction may stand beside them; "
                "there are: %s."
            )
            % ", ".join(header)
        )
    return places


def _bare(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _row(
    number: int,
    cells: tuple[str, ...],
    places: dict[str, int],
    people: dict[str, int],
    zone: ZoneInfo,
    days: str,
    now: datetime,
) -> Row:
    def cell(name: str) -> str:
        place = places.get(name)
        return cells[place].strip().lstrip("'") if place is not None and place < len(cells) else ""

    row = Row(number, cells, badge=cell("badge"))
    person = people.get(row.badge.lower())
    if person is None:
        return replace(row, error=_("Nobody has the badge number “%s”.") % row.badge)
    direction = next((key for key, words in DIRECTIONS.items() if _bare(cell("direction")) in words), None)
    if direction is None:
        return replace(
            row, error=_("“%s” is no direction: in, out, break out, break in, or empty.") % cell("direction")
        )
    said = f"{cell('date')} {cell('time')}".strip()
    moment = _moment(said, zone, days)
    if moment is None:
        return replace(row, error=_("“%s” is no time such as 2026-03-02 07:58.") % said)
    at, flag = moment
    if not datetime(2000, 1, 2, tzinfo=UTC) <= at <= now + CLOCK_TOLERANCE:
        return replace(row, error=_("This time lies in the future, or before 2000."))
    return replace(row, person=person, at=at, direction=direction, flag=flag)


def _moment(text: str, zone: ZoneInfo, days: str) -> tuple[datetime, Flag] | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        patterns = (f"{day} {clock}" for day in DAYS[days] for clock in CLOCKS)
        found = next((wall for wall in (_wall(text, one) for one in patterns) if wall), None)  # type: ignore[assignment]
    if found is None or ":" not in text:
        return None
    if found.tzinfo is not None:
        return found.astimezone(UTC), Flag.NONE
    try:
        return lines.moment(found, zone)
    except OverflowError:
        return None


def _wall(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007  a wall time has no zone
    except ValueError:
        return None


def _known(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, with those marked that are booked already or stand in the list a second time."""
    origins = [_origin(row) for row in rows]
    booked: set[str] = set()
    wanted = [origin for origin in origins if origin]
    for start in range(0, len(wanted), 5000):
        part = wanted[start : start + 5000]
        booked |= set(Punch.objects.filter(origin__in=part).values_list("origin", flat=True))
    marked = []
    for row, origin in zip(rows, origins, strict=True):
        marked.append(replace(row, known=bool(origin) and origin in booked))
        booked.add(origin)
    return tuple(marked)


def _origin(row: Row) -> str:
    """What makes two rows the same punch: who, when and which way; empty for a row with an error."""
    if row.error or row.at is None:
        return ""
    said = f"{row.person}|{row.at.isoformat()}|{row.direction}"
    return f"list:{hashlib.sha256(said.encode()).hexdigest()[:40]}"


@transaction.atomic
def book(sheet: Sheet, *, by: object = None) -> int:
    """How many punches the rows without error made. All of them or none."""
    fresh = sorted(sheet.new, key=lambda row: (row.at or datetime.max.replace(tzinfo=UTC), row.number))
    given = [_punch(row, row.direction) for row in fresh if row.direction]
    Punch.objects.bulk_create(given, batch_size=1000, ignore_conflicts=True)
    guessed = []
    for row in fresh:
        if not row.direction:
            person = Person.objects.select_for_update(no_key=True).get(pk=row.person)
            turn = attendance.next_direction(person, row.at)  # type: ignore[arg-type]
            guessed.append(_punch(row, turn))
            Punch.objects.bulk_create(guessed[-1:], ignore_conflicts=True)
    made = sum(_written(part) for part in batched([*given, *guessed]))
    audit.record(
        "punches.imported",
        f"list:{sheet.digest[:16]}",
        by=by,
        punches=made,
        errors=len(sheet.errors),
        known=sheet.known,
    )
    return made


def batched(punches: Sequence[Punch], size: int = 5000) -> Iterable[Sequence[Punch]]:
    return (punches[start : start + size] for start in range(0, len(punches), size))


def _written(punches: Sequence[Punch]) -> int:
    """How many of these were not booked meanwhile by somebody else's import of the same rows."""
    return Punch.objects.filter(pk__in=[punch.pk for punch in punches]).count()


def _punch(row: Row, direction: str) -> Punch:
    return Punch(
        person_id=row.person,
        at=row.at,
        direction=direction,
        explicit=bool(row.direction),
        source=Punch.Source.IMPORT,
        origin=_origin(row),
        suspect=row.flag is not Flag.NONE,
    )


def with_errors(sheet: Sheet, rows: Iterable[Row]) -> list[list[str]]:
    """Rows as they came, with row number and error beside them: to be put right and handed in again."""
    return [["row", *sheet.header, "error"], *([str(row.number), *row.cells, row.error] for row in rows)]
