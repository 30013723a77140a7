"""Payroll files handed out: each is a row that never changes, with the digest of its file and what was in it.

The file itself is not kept, for it names people: it is made again from the hours kept by key, and handed out
only if its digest is the one that was shown.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from access import audit
from access.hours.payroll import PayrollPeriod
from access.payroll import amounts, checks, files, layouts
from access.payroll.amounts import Account
from access.payroll.checks import Problem
from access.payroll.files import File, Frame
from access.payroll.layouts import Layout
from access.payroll.profiles import PayrollProfile
from access.people import Person
from access.staff import Staff


class PayrollExport(models.Model):
    """Personal data: hours by key of person, and what was odd about them. Kept with the payroll; erasure
    leaves bare keys."""

    profile = models.ForeignKey(
        PayrollProfile, verbose_name=_("profile"), on_delete=models.PROTECT, related_name="exports"
    )
    period = models.ForeignKey(
        PayrollPeriod, verbose_name=_("payroll period"), on_delete=models.PROTECT, related_name="exports"
    )
    serial = models.PositiveIntegerField(_("number"), help_text=_("Counted within the profile."))
    draft = models.BooleanField(_("draft"), help_text=_("Made while the period was open."))
    made = models.DateTimeField(_("made"), auto_now_add=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        null=True,
        # Set to nothing by deletion alone, which the trigger lets through.
        on_delete=models.SET_NULL,
        related_name="+",
    )
    file_name = models.CharField(_("file name"), max_length=120)
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    size_bytes = models.PositiveBigIntegerField(_("bytes"))
    row_count = models.PositiveIntegerField(_("rows"))
    people = models.PositiveIntegerField(_("people"))
    # Pairs of a column or pay code and its hours, in the order of the file.
    totals = models.JSONField(_("totals"), default=list)
    # What the file is made from: the layout of that day, and everybody's hours in the order of the file.
    layout = models.JSONField(default=dict)
    accounts = models.JSONField(default=list)
    problems = models.JSONField(_("acknowledged"), default=list)

    class Meta:
        verbose_name = _("payroll export")
        verbose_name_plural = _("payroll exports")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint("profile", "serial", name="payroll_exports_are_numbered")]

    def __str__(self) -> str:
        return self.file_name


class Changed(Exception):
    """The file is no longer what was looked at; look again."""


class NotAcknowledged(Exception):
    """There are problems, and nobody said that they were seen."""


class NotTheSame(Exception):
    """The file cannot be made again as it was: a badge number or a name in it has changed since."""


@dataclass(frozen=True)
class Prepared:
    """What would be handed out now, and all there is to see before."""

    layout: Layout
    frame: Frame
    accounts: list[Account]
    file: File
    problems: list[Problem]
    without_hours: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.file.content).hexdigest()

    @property
    def seen(self) -> str:
        """Changes with the file and with every problem: what somebody acknowledges is this, not any other."""
        told = [one.as_json() for one in self.problems]
        return hashlib.sha256(f"{self.sha256}{json.dumps(told, sort_keys=True)}".encode()).hexdigest()


def prepare(profile: PayrollProfile, period: PayrollPeriod) -> Prepared:
    """The file as it would be now; nothing is written."""
    layout = profile.layout()
    frame = Frame.of(period, _next_serial(profile))
    everybody = amounts.accounts(period, profile.departments.values_list("pk", flat=True))
    problems = checks.find(layout, everybody, frame)
    out = {one.person for one in problems if one.left_out}
    inside = [one for one in everybody if any(files.rows_of(layout, one))]
    accounts = [one for one in inside if one.person.pk not in out]
    return Prepared(
        layout,
        frame,
        accounts,
        files.render(layout, accounts, frame),
        problems,
        without_hours=len(everybody) - len(inside),
    )


def _next_serial(profile: PayrollProfile) -> int:
    last = PayrollExport.objects.filter(profile=profile).aggregate(last=models.Max("serial"))["last"]
    return int(last or 0) + 1


@transaction.atomic
def hand_out(
    profile: PayrollProfile, period: PayrollPeriod, *, seen: str, acknowledged: bool, by: Staff
) -> PayrollExport:
    """The export as kept. Raises Changed if it is not the one `seen` stands for, and NotAcknowledged."""
    held = PayrollProfile.objects.select_for_update().get(pk=profile.pk)
    # Whoever locks the period waits, so that no draft is made of what is being locked.
    of = PayrollPeriod.objects.select_for_update(no_key=True).get(pk=period.pk)
    found = prepare(held, of)
    if found.seen != seen:
        raise Changed
    if found.problems and not acknowledged:
        raise NotAcknowledged
    made = PayrollExport.objects.create(
        profile=held,
        period=of,
        serial=found.frame.serial,
        draft=found.frame.draft,
        made_by=by,
        file_name=found.file.name,
        sha256=found.sha256,
        size_bytes=len(found.file.content),
        row_count=len(found.file.rows),
        people=found.file.people,
        totals=[[name, str(hours)] for name, hours in found.file.totals.items()],
        layout=found.layout.as_json(),
        accounts=as_kept(found.accounts),
        problems=[one.as_json() for one in found.problems],
    )
    audit.record(
        "payrollexport.made",
        made,
        by=by,
        period=of.pk,
        profile=held.pk,
        sha256=made.sha256,
        acknowledged=len(found.problems),
    )
    return made


def download(export: PayrollExport, *, by: Staff) -> bytes:
    """The file, byte for byte as it was made. Raises NotTheSame."""
    content = made_again(export)
    if hashlib.sha256(content).hexdigest() != export.sha256:
        raise NotTheSame
    audit.record("payrollexport.downloaded", export, by=by, sha256=export.sha256)
    return content


def made_again(export: PayrollExport) -> bytes:
    people = Person.objects.select_related("department").in_bulk([one["person"] for one in export.accounts])
    accounts = [amounts.kept(people[one["person"]], one) for one in export.accounts]
    frame = Frame(export.period.first, export.period.last, export.serial, export.draft)
    return files.render(layouts.read(export.layout), accounts, frame).content


# --- What changed since ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One person: minutes by kind before and after, of those kinds that differ. New or gone: no rest."""

    person: int
    kinds: dict[str, tuple[int, int]]
    new: bool = False
    gone: bool = False


def before(profile: PayrollProfile, period: PayrollPeriod, than: int | None = None) -> PayrollExport | None:
    """The last export of the period by this profile; with `than`, the one before that number."""
    found = PayrollExport.objects.filter(profile=profile, period=period)
    if than is not None:
        found = found.filter(serial__lt=than)
    return found.order_by("-serial").first()


def changes(old: PayrollExport, now: list[Mapping[str, Any]]) -> list[Change]:
    """Person by person, what `now` says otherwise than the older export did."""
    was = {one["person"]: _total(one) for one in old.accounts}
    is_now = {one["person"]: _total(one) for one in now}
    found = []
    for person in [*is_now, *(key for key in was if key not in is_now)]:
        first, then = was.get(person, Counter()), is_now.get(person, Counter())
        kinds = {kind: (first[kind], then[kind]) for kind in amounts.KINDS if first[kind] != then[kind]}
        if kinds or person not in was or person not in is_now:
            found.append(Change(person, kinds, new=person not in was, gone=person not in is_now))
    return found


def _total(account: Mapping[str, Any]) -> Counter[str]:
    total = Counter(account["minutes"])
    for line in account["adjustments"].values():
        total.update(line["minutes"])
    return total


def as_kept(accounts: list[Account]) -> list[Mapping[str, Any]]:
    """What an export of these would keep of them."""
    return [one.as_json() for one in accounts]
