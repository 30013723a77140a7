"""Would this door open, and why: a page that decides as the door would, for any person, door and moment."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
)

from access import policy, simulator
from access.admin.audit import Audited
from access.admin.days import at_site
from access.admin.decisions import steps
from access.admin.moments import LocalMoment, there
from access.admin.what_if import RIGHTS, SHOWN, address
from access.decisions import Decision
from access.doors.levels import Grant
from access.doors.reasons import reason_words
from access.hours import reach
from access.people import Person
from access.places import Door
from access.policy import Factor
from access.policy.explanations import FACTORS
from access.simulator import NothingKept, Simulation

WEEKDAYS = [_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"),
            _("Sunday"), _("holiday"), _("short day")]  # fmt: skip
NOW = timedelta(minutes=1)


class Question(forms.Form):
    """Read from the address, so that a question is a link."""

    person = forms.ModelChoiceField(Person.objects.none(), label=_("Person"))
    door = forms.ModelChoiceField(
        Door.objects.select_related("site"), label=_("Door"), widget=UnfoldAdminSelectWidget
    )
    at = forms.DateTimeField(
        label=_("When"),
        required=False,
        widget=LocalMoment(),
        help_text=_("In the time of the door, past or future. Empty: now."),
    )
    shown = forms.MultipleChoiceField(
        label=_("What is shown"),
        required=False,
        choices=SHOWN,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Nothing chosen: whatever the door asks for at that hour."),
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = Grant._meta.get_field("person")
        self.fields["person"].widget = AutocompleteSelect(field, admin.site)
        self.fields["person"].queryset = reach.people_for(request.user).filter(erased=None)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        wall, door = given.get("at"), given.get("door")
        given["moment"] = timezone.now()
        if wall is not None and door is not None:
            if (moment := there(wall, door.site.zone)) is None:
                raise ValidationError(
                    {"at": _("The clocks are put forward then: this time does not exist there.")}
                )
            if not simulator.YEARS[0] <= moment.year < simulator.YEARS[1]:
                raise ValidationError({"at": _("This year is too far away.")})
            given["moment"] = moment
        return given


class Simulator(Audited):
    """The page beside the list of doors."""

    def has_simulate_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perms(RIGHTS)

    @action(description=_("Would it open?"), icon="help", permissions=["simulate"], url_path="simulate")
    def simulate(self, request: HttpRequest) -> HttpResponse:
        form = Question(request.GET if "person" in request.GET else None, request=request)
        answer: dict[str, Any] = {}
        if form.is_bound and form.is_valid():
            given = form.cleaned_data
            shown = frozenset(map(Factor, given["shown"])) or None
            try:
                found = simulator.simulate(given["person"].pk, given["door"].pk, given["moment"], shown=shown)
            except NothingKept:
                form.add_error("at", _("Nothing is known of that moment: no rules are kept of it."))
            else:
                answer = told(found, given["person"], given["door"], given["moment"], shown)
        page = self.page(
            request,
            "access/simulator.html",
            None,
            title=_("Would it open?"),
            form=form,
            recorded=recorded(request),
            **answer,
        )
        page.context_data["media"] += form.media
        return page


def told(
    found: Simulation, person: Person, door: Door, at: datetime, shown: frozenset[Factor] | None
) -> dict[str, Any]:
    """The verdict, what it was made from, and what comes next."""
    zone, opening = door.site.zone, found.opening
    since = simulator.in_force_since(found.rules)
    changes, count = simulator.changed_since(found.rules, door.pk, person.pk)
    chosen, asked = sorted(shown or ()), policy.asked(found.case)
    facts: list[tuple[Any, Any]] = [
        (_("Asked of the person"), str(FACTORS.get(asked, asked))),
        (_("Shown"), ", ".join(str(words) for value, words in SHOWN if value in shown_in(found)) or "–"),
        (
            _("Mode of the door"),
            _("the whole site is locked down")
            if found.case.door.locked_down
            else Door.Mode(found.case.door.mode.value).label,
        ),
    ]
    if opening is not None:
        facts += [
            (_("Admitted by"), opening.level or ("–" if opening.admitted else _("nothing"))),
            (_("Schedule"), opening.week or _("none: at any hour")),
        ]
        if opening.bar is not None:
            bar = opening.bar
            facts.append((_("Hours"), f"{WEEKDAYS[bar.row]}, {bar.start:%H:%M}–{bar.end:%H:%M}"))
        if opening.holiday:
            facts.append((_("Holiday"), opening.holiday))
        if opening.until:
            facts.append((_("Open by schedule until"), at_site(opening.until, zone)))
    facts.append((_("Rules"), _("version %(number)d") % {"number": found.rules}))
    if since is not None:
        facts.append((_("In force since"), at_site(since, zone)))
    later = None
    if not found.verdict.granted:
        coming = simulator.next_grant(person.pk, door.pk, at, shown=shown)
        if coming is not None:
            moment = coming.case.moment.now
            later = (at_site(moment, zone), address(person.pk, door, moment, shown=chosen))
    return {
        "found": found,
        "person": person,
        "door": door,
        "when": at_site(at, zone),
        "steps": steps(found.verdict.reason),
        "reason_text": reason_words(found.verdict.reason),
        "facts": facts,
        "later": later,
        "refused": not found.verdict.granted,
        "changes": [(change, at_site(change.at, zone)) for change in changes],
        "change_count": count,
        # Asked about now it is now, however long the answer took.
        "past": at < timezone.now() - NOW,
    }


def shown_in(found: Simulation) -> set[str]:
    given = found.case.shown
    there = {"face": given.picture, "card": given.card is not None, "pin": given.pin is not None}
    return {name for name, is_there in there.items() if is_there}


def recorded(request: HttpRequest) -> dict[str, Any] | None:
    """The past decision that the question came from, made again by what it kept."""
    try:
        key = uuid.UUID(request.GET.get("decision", ""))
    except ValueError:
        return None
    rows = Decision.objects.select_related("snapshot__kiosk__door__site")
    decision = reach.within(request.user, rows).filter(pk=key).first()
    if decision is None:
        return None
    try:
        again = simulator.replay(decision)
    except NothingKept:
        again = None
    return {
        "decision": decision,
        "when": at_site(decision.at, decision.snapshot.kiosk.door.site.zone),
        "why": decision.explanation or reason_words(decision.reason),
        "again": again,
        "same": again is not None
        and (again.verdict.granted, again.verdict.reason) == (decision.granted, decision.reason),
    }
