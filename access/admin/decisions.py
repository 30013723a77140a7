"""Decisions on screen: the list, and the whole story of one of them for whoever has to explain it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from access.admin import liveness
from access.admin.audit import ReadOnly, details, who, words
from access.admin.days import Days, at_site, unbroken
from access.attendance import Punch
from access.audit import AuditEntry
from access.decisions import Decision
from access.doors.reasons import REASONS, reason_words
from access.kiosk.alone import OfflineEvent
from access.people import Person
from access.policy import Reason
from access.snapshots import Snapshot

# The order in which the rule of the door asks; what comes after the first no is not asked.
RULE = (
    (
        _("The moment"),
        _("Fresh, from a clock to trust, and decided in time."),
        "STALE CLOCK_UNTRUSTED DEADLINE BUNDLE_EXPIRED",
    ),
    (_("The place"), _("In use, and not locked down."), "NOT_IN_USE LOCKED_DOWN OFFLINE_DENIED"),
    (
        _("The picture"),
        _("Readable, with exactly one face that is clear enough."),
        "UNREADABLE NO_FACE SEVERAL_FACES TOO_SMALL CUT_OFF BLURRED TOO_DARK TOO_BRIGHT TURNED_AWAY"
        " WORKER_FAILED",
    ),
    (
        _("Liveness"),
        _("Judged live, where the door demands it."),
        "SPOOF_SUSPECTED LIVENESS_UNJUDGED",
    ),
    (
        _("The face"),
        _("One person of this site, and no other nearly as near."),
        "UNCALIBRATED UNKNOWN_FACE AMBIGUOUS",
    ),
    (
        _("What else was shown"),
        _("All that the door asks for, of one and the same person."),
        "SECOND_FACTOR_NEEDED CREDENTIAL_REFUSED CARD_NOT_VALID WRONG_PIN FACTORS_DISAGREE TOO_MANY_TRIES"
        " FACE_NEEDED",
    ),
    (
        _("The person"),
        _("Active, consenting, and admitted here at this hour."),
        "SUSPENDED NOT_VALID_NOW NOT_CONSENTED NOTED NO_PERMISSION OUTSIDE_HOURS",
    ),
    (
        _("The passage"),
        _("Not inside already, with room inside, no other door open, and nobody else awaited."),
        "PASSBACK ZONE_FULL INTERLOCK SECOND_PERSON_NEEDED",
    ),
)
FACTS = {
    "model": _("Embedding model"),
    "faces": _("Faces found"),
    "score": _("Score of the nearest person (cosine)"),
    "threshold": _("Score needed"),
    "rate": _("Wanted false-identification rate"),
    "lead": _("Lead over the next person"),
    "gallery": _("Faceprints compared"),
    "tries": _("Tries by workers"),
}
TIMES = {
    "decode": _("Reading the picture"),
    "detect": _("Finding faces"),
    "align": _("Turning upright and judging"),
    "liveness": _("Judging whether it is live"),
    "embed": _("Embedding"),
    "frames": _("Looking at the frames"),
}
QUALITY = {
    "sharpness": _("Sharpness (0 to 1)"),
    "eye_distance": _("Distance between the eyes (pixels)"),
    "yaw": _("Turned sideways (°)"),
    "pitch": _("Turned up or down (°)"),
    "roll": _("Tilted (°)"),
    "outside": _("Beyond the edge (share of the face)"),
    "dark_end": _("Darkest twentieth (luma, 0–255)"),
    "bright_end": _("Brightest twentieth (luma, 0–255)"),
    "contrast": _("Contrast (luma)"),
    "burnt_out": _("Burnt out (share)"),
}


@dataclass(frozen=True)
class Step:
    """One question of the rule, and how it was answered: "yes", "no", or "" where it was not asked."""

    name: Any
    text: Any
    answer: str


# What was still asked of those for whom the door stood open anyway: the moment and the place.
ASKED_AT_OPEN_DOOR = 2


def steps(reason: str) -> list[Step]:
    if reason == Reason.FREE_PASSAGE:
        return [
            Step(name, text, "yes" if n < ASKED_AT_OPEN_DOOR else "")
            for n, (name, text, _keys) in enumerate(RULE)
        ]
    failed = next((n for n, (*_words, keys) in enumerate(RULE) if reason in keys.lower().split()), len(RULE))
    return [
        Step(name, text, "yes" if n < failed else "no" if n == failed else "")
        for n, (name, text, _keys) in enumerate(RULE)
    ]


def milliseconds(decision: Decision) -> int:
    """From receipt to decision."""
    return round((decision.at - decision.snapshot.received).total_seconds() * 1000)


def _deadline(snapshot: Snapshot) -> str:
    return f"{round((snapshot.deadline - snapshot.received).total_seconds() * 1000)} ms"


def offline_facts(event: OfflineEvent, zone: str) -> list[tuple[Any, Any]]:
    """How a decision of a kiosk alone reached us."""
    return [
        (_("By data of"), at_site(event.bundle, zone) if event.bundle else "–"),
        (_("Told to us"), at_site(event.snapshot.received, zone)),
        (_("The kiosk's clocks"), event.get_clock_display()),
        (_("Two ways of telling the time were apart by"), unbroken(f"{event.apart_ms / 1000:.1f} s")),
        (_("Number of the event"), event.seq),
    ]


class ReasonFilter(DropdownFilter):
    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [(reason.value, text) for reason, text in REASONS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Decision]) -> QuerySet[Decision]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class GrantedFilter(DropdownFilter):
    title = _("decision")
    parameter_name = "granted"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [("yes", _("Granted")), ("no", _("Refused"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Decision]) -> QuerySet[Decision]:
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(granted=self.value() == "yes")


class DaysAtDoor(Days):
    zone = "snapshot__kiosk__door__site__zone"


@admin.register(Decision)
class DecisionAdmin(ReadOnly):
    person_path = "person"
    list_display = ["when", "outcome", "why", "person", "way", "where", "took"]
    list_filter = [
        GrantedFilter,
        ReasonFilter,
        ("snapshot__kiosk__door__site", RelatedDropdownFilter),
        ("snapshot__kiosk__door", RelatedDropdownFilter),
        ("at", DaysAtDoor),
    ]
    list_select_related = ["person", "snapshot__kiosk__door__site"]
    search_fields = ["person__badge", "person__name"]
    search_help_text = _("Badge number or name")

    @display(description=_("time"), ordering="at")
    def when(self, decision: Decision) -> str:
        return unbroken(at_site(decision.at, decision.snapshot.kiosk.door.site.zone))

    @display(description=_("decision"), ordering="granted", label={"yes": "success", "no": "danger"})
    def outcome(self, decision: Decision) -> tuple[str, Any]:
        return ("yes", _("granted")) if decision.granted else ("no", _("refused"))

    @display(description=_("reason"), ordering="reason")
    def why(self, decision: Decision) -> str:
        return format_html('<span title="{}">{}</span>', decision.reason, reason_words(decision.reason))

    @display(description=_("direction"), ordering="direction", empty_value="–")
    def way(self, decision: Decision) -> str | None:
        return {"in": str(_("in")), "out": str(_("out"))}.get(decision.direction)

    @display(description=_("door and kiosk"))
    def where(self, decision: Decision) -> str:
        kiosk = decision.snapshot.kiosk
        return f"{kiosk.door} · {kiosk}"

    @display(description=_("took"), empty_value="–")
    def took(self, decision: Decision) -> str | None:
        if decision.snapshot.kind == Snapshot.Kind.OFFLINE:
            return None  # the kiosk had decided long before
        return unbroken(f"{milliseconds(decision)} ms")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        decision = self.seen(request, object_id)
        snapshot = decision.snapshot
        door = snapshot.kiosk.door
        entries = AuditEntry.objects.filter(subject=f"snapshot:{snapshot.pk}").select_related("staff")
        facts = decision.facts
        numbers, spent = (facts.get(key) or {} for key in ("quality", "milliseconds"))
        alone = OfflineEvent.objects.select_related("key").filter(pk=decision.pk).first()
        near = Person.objects.filter(pk__in=facts.get("people", []))
        return self.page(
            request,
            "access/decision.html",
            decision,
            title=_("Decision of %(time)s") % {"time": at_site(decision.at, door.site.zone)},
            decision=decision,
            why=decision.explanation or reason_words(decision.reason),
            failed=reason_words(decision.reason),
            took=milliseconds(decision),
            alone=alone,
            told=offline_facts(alone, door.site.zone) if alone else [],
            steps=[] if alone else steps(decision.reason),
            snapshot=[
                (_("Door"), door),
                (_("Kiosk"), snapshot.kiosk),
                (_("Taken (kiosk's clock)"), at_site(snapshot.taken, door.site.zone)),
                (_("Received (our clock)"), at_site(snapshot.received, door.site.zone)),
                (_("Decided"), self.when(decision)),
                (_("Deadline"), "–" if alone else _deadline(snapshot)),
                (_("Kind"), snapshot.get_kind_display()),
                (_("Nonce"), snapshot.nonce),
            ],
            facts=[(label, facts[key]) for key, label in FACTS.items() if facts.get(key) is not None]
            + liveness.rows(facts),
            near=near if request.user.has_perm("access.view_person") else [],
            quality=[(label, numbers[key]) for key, label in QUALITY.items() if key in numbers],
            times=[(label, spent[key]) for key, label in TIMES.items() if key in spent],
            punch=Punch.objects.filter(snapshot=snapshot).first(),
            entries=[(entry, words(entry), who(entry), details(entry)) for entry in entries],
        )

    def subjects(self, obj: Decision) -> list[str]:
        return [f"snapshot:{obj.pk}"]
