"""Enrolling many people from a folder or a list. It can be interrupted at any moment.

Running it again does nothing twice: people are found by badge number, photographs by their content.
"""

import csv
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction

from access import enrolment, people, pictures
from access.enrolment import Enrolment, Photograph
from access.gallery import Gallery
from access.people import ConsentText, Department, Person

ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
COLUMNS = ("badge", "name", "department", "photograph")
# So many people are with the workers at a time: enough to keep every core busy, few enough that an
# interruption leaves little behind and the doors' own queue stays short.
UNDER_WAY = 16


class Unusable(Exception):
    """The folder or list cannot be used; the text says what is expected."""


@dataclass
class Entry:
    """One person as the folder or list has them."""

    badge: str
    name: str
    department: str = ""
    files: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Refused:
    badge: str
    file: str
    reason: str
    advice: str


@dataclass(frozen=True)
class Terms:
    """What holds for everybody enrolled in one run."""

    galleries: tuple[Gallery, ...] = ()
    consent: ConsentText | None = None
    department: str = ""


@dataclass
class Tally:
    people: int = 0
    done: int = 0
    to_review: int = 0
    accepted: int = 0
    skipped: int = 0
    refused: list[Refused] = field(default_factory=list)


def read(source: Path) -> list[Entry]:
    """The people of a folder (one subfolder per badge number) or of a CSV with the columns of COLUMNS."""
    if source.is_dir():
        entries = list(_from_folder(source))
        expected = "one subfolder per badge number with JPEG, PNG or WebP files in it"
    elif source.suffix.lower() == ".csv" and source.is_file():
        entries = list(_from_list(source).values())
        expected = f"a CSV with the columns {', '.join(COLUMNS)}"
    else:
        raise Unusable(f"{source} is neither a folder nor a CSV file.")
    if not entries:
        raise Unusable(f"{source} holds nobody; expected {expected}.")
    return entries


def _from_folder(folder: Path) -> Iterator[Entry]:
    for one in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(path for path in one.iterdir() if path.suffix.lower() in ENDINGS)
        if files:
            yield Entry(badge=one.name, name=one.name.replace("_", " "), files=files)


def _from_list(path: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if missing := [name for name in COLUMNS if name not in (rows.fieldnames or [])]:
            raise Unusable(f"{path.name} lacks the columns {', '.join(missing)}.")
        for row in rows:
            badge = (row["badge"] or "").strip()
            if not badge:
                raise Unusable(f"{path.name}, line {rows.line_num}: no badge number.")
            entry = entries.setdefault(
                badge.lower(), Entry(badge, row["name"] or badge, row["department"] or "")
            )
            entry.files.append(path.parent / (row["photograph"] or "").strip())
    return entries


def check(entries: Iterable[Entry]) -> Tally:
    """What a run would refuse before any worker looks: unreadable files and impossible badge numbers."""
    tally = Tally()
    for entry in entries:
        tally.people += 1
        usable = _usable(entry, tally)
        tally.accepted += len(usable)
        if problem := _badge_problem(entry.badge):
            tally.refused.append(Refused(entry.badge, "", "badge", problem))
    return tally


def run(entries: list[Entry], terms: Terms, progress: Callable[[Tally, int], None]) -> Tally:
    """Enrol everybody, a few at a time; `progress` is told the tally and the number of people under way."""
    tally, waiting = Tally(), {}
    todo = iter(entries)
    more = True
    while more or waiting:
        while more and len(waiting) < UNDER_WAY:
            entry = next(todo, None)
            more = entry is not None
            if entry is not None:
                tally.people += 1
                if open_work := _hand_in(entry, terms, tally):
                    waiting |= dict.fromkeys(open_work, entry)
        for finished in Enrolment.objects.filter(pk__in=waiting).exclude(state=Enrolment.State.WAITING):
            _count(finished, waiting.pop(finished.pk), tally)
        progress(tally, len(waiting))
        if waiting:
            time.sleep(0.1)
    return tally


def _hand_in(entry: Entry, terms: Terms, tally: Tally) -> list[int]:
    """Keys of the enrolments to wait for: the new one, and those an interrupted run left."""
    if problem := _badge_problem(entry.badge):
        tally.refused.append(Refused(entry.badge, "", "badge", problem))
        return []
    person = _person(entry, terms)
    left = list(person.enrolments.filter(state=Enrolment.State.WAITING).values_list("pk", flat=True))
    files = [
        (name, data) for name, data in _usable(entry, tally) if not enrolment.already_handed_in(person, data)
    ]
    tally.skipped += len(entry.files) - len(files)
    if not files:
        return left
    try:
        return [*left, enrolment.submit(person, files, by="command").pk]
    except enrolment.NoConsent:
        advice = "No consent is on file; note it in the admin, or for all with --consent VERSION."
        tally.refused.append(Refused(entry.badge, "", "no_consent", advice))
        return left


def _usable(entry: Entry, tally: Tally) -> list[tuple[str, bytes]]:
    usable = []
    for file in entry.files:
        try:
            data = file.read_bytes()
            pictures.measure(data, pictures.PHOTOGRAPH)
        except OSError as error:
            tally.refused.append(
                Refused(entry.badge, str(file), "missing", error.strerror or "cannot be read")
            )
        except pictures.Unacceptable as error:
            tally.refused.append(Refused(entry.badge, str(file), error.code, str(error)))
        else:
            usable.append((file.name, data))
    return usable


def _badge_problem(badge: str) -> str:
    try:
        Person._meta.get_field("badge").run_validators(badge)
    except ValidationError as error:
        return " ".join(error.messages)
    return "" if len(badge) <= 40 else "At most 40 characters."


@transaction.atomic
def _person(entry: Entry, terms: Terms) -> Person:
    """The person of this badge number, made if need be; name and department of an existing one stay."""
    person = Person.objects.filter(badge__iexact=entry.badge).first()
    if person is None:
        name = entry.department or terms.department
        department = Department.objects.get_or_create(name=name)[0] if name else None
        person = Person.objects.create(badge=entry.badge, name=entry.name, department=department)
    if terms.consent is not None:
        people.note_consent(person, terms.consent, by="command")
    for named in terms.galleries:
        named.people.add(person)
    return person


def _count(finished: Enrolment, entry: Entry, tally: Tally) -> None:
    tally.done += 1
    tally.to_review += finished.state == Enrolment.State.REVIEW
    for photograph in finished.photographs.all():
        if photograph.state == Photograph.State.REFUSED:
            tally.refused.append(
                Refused(entry.badge, photograph.file_name, photograph.reason, photograph.advice)
            )
        else:
            tally.accepted += 1
