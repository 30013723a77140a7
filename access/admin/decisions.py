"""Decisions on screen: the list, and the whole story of one of them for whoever has to explain it."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from access import audit, kept, vault
from access.admin import liveness, photographs, story, what_if
from access.admin.audit import ReadOnly, details, who, words
from access.admin.days import Days, at_site, unbroken
from access.audit import AuditEntry
from access.decisions import Decision
from access.doors.reasons import REASONS, reason_words
from access.kept import KeptPicture
from access.kiosk.alone import OfflineEvent
from access.kiosk.feedback import Dispute, Remark
from access.policy import Reason
from access.snapshots import Snapshot

PICTURE = "access.view_keptpicture"
# One who looks at a page that renews itself looks once.
LOOK_SECONDS = 600
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
        snapshot, facts = decision.snapshot, decision.facts
        place = snapshot.kiosk.door
        entries = AuditEntry.objects.filter(subject=f"snapshot:{snapshot.pk}").select_related("staff")
        alone = OfflineEvent.objects.select_related("key").filter(pk=decision.pk).first()
        at_door = story.door(decision, request.user)
        return self.page(
            request,
            "access/decision.html",
            decision,
            title=_("Decision of %(time)s") % {"time": at_site(decision.at, place.site.zone)},
            decision=decision,
            why=decision.explanation or reason_words(decision.reason),
            failed=reason_words(decision.reason),
            alone=alone,
            told=offline_facts(alone, place.site.zone) if alone else [],
            steps=[] if alone else steps(decision.reason),
            snapshot=[
                (_("Taken (kiosk's clock)"), at_site(snapshot.taken, place.site.zone)),
                (_("Received (our clock)"), at_site(snapshot.received, place.site.zone)),
                (_("Kind"), snapshot.get_kind_display()),
                (_("Faces found"), facts.get("faces", "–")),
                (_("Tries by workers"), facts.get("tries", "–")),
                (_("Nonce"), snapshot.nonce),
            ],
            kiosk=snapshot.kiosk,
            before=snapshot.after_id,
            after=Decision.objects.filter(snapshot__after=snapshot.pk).first(),
            picture=KeptPicture.objects.filter(pk=decision.pk).exists(),
            may_look=request.user.has_perm(PICTURE),
            quality=story.quality(facts),
            liveness=liveness.rows(facts),
            match=story.match(facts, request.user),
            door=at_door,
            attendance=story.attendance(decision, request.user),
            moments=story.moments(decision, at_door["order"]),
            dispute=Dispute.objects.filter(pk=decision.pk).first(),
            remark=Remark.objects.filter(pk=decision.pk).first(),
            what_if=self.what_if(request, decision),
            entries=[(entry, words(entry), who(entry), details(entry)) for entry in entries],
        )

    def get_urls(self) -> list[URLPattern]:
        picture = self.admin_site.admin_view(self.picture)
        return [path("<uuid:key>/picture/", picture, name="access_decision_picture"), *super().get_urls()]

    def picture(self, request: HttpRequest, key: uuid.UUID) -> HttpResponse:
        """The picture, where it is kept. The look is on record, once in ten minutes for a login."""
        decision = self.seen(request, str(key), allowed=request.user.has_perm(PICTURE))
        try:
            data = kept.open_picture(decision.pk)
        except vault.Sealed as error:
            raise Http404 from error
        if data is None:
            raise Http404
        if cache.add(f"looked:{request.user.pk}:{decision.pk}", value=True, timeout=LOOK_SECONDS):
            audit.record("picture.viewed", decision.snapshot, by=request.user)
        return photographs.served(data)

    def what_if(self, request: HttpRequest, decision: Decision) -> str | None:
        """The same question to the simulator, for whoever may ask it."""
        return what_if.of_decision(decision) if request.user.has_perms(what_if.RIGHTS) else None

    def subjects(self, obj: Decision) -> list[str]:
        return [f"snapshot:{obj.pk}"]
