"""The first page and the menu: what needs a human, what the doors did today, who is at work behind them."""

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access import health
from access.admin import live, what_if
from access.admin.gallery import LOOK_ALIKES
from access.admin.lists import IMPORT
from access.enrolment import Enrolment
from access.gallery import Faceprint
from access.hours import reach
from access.hours.corrections import Correction
from access.hours.leave import Leave
from access.hours.outages import Outage
from access.hours.proposals import Proposal
from access.hours.requests import State
from access.people import Consent, Person
from access.places import Site
from access.reports import REPORTS, for_reader

# What people come for, in the order of their day: section, its parts (some with a heading), their entries.
Entry = tuple[Any, str, str]
MENU: tuple[tuple[Any, tuple[tuple[Any, tuple[Entry, ...]], ...]], ...] = (
    (
        _("Today"),
        (
            (
                "",
                (
                    (_("Overview"), "dashboard", "!index"),
                    (_("Alarms"), "notifications_active", "alarm"),
                    (_("Decisions"), "sensor_door", "decision"),
                    (_("“Not me”"), "person_alert", "dispute"),
                ),
            ),
            (
                _("Waiting for you"),
                (
                    (_("To review"), "compare", "enrolment?state__exact=review"),
                    (_("To approve"), "how_to_reg", "enrolment?state__exact=approve"),
                    (_("Leave to approve"), "event_upcoming", "leave?state__exact=asked"),
                    (_("Corrections to approve"), "rule", "correction?state__exact=asked"),
                    (_("Outages to approve"), "healing", "outage?state__exact=asked"),
                    (_("Changes to accept"), "difference", "proposal?state__exact=open"),
                ),
            ),
        ),
    ),
    (
        _("People"),
        (
            (
                "",
                (
                    (_("People"), "badge", "person"),
                    (_("Enrolments"), "add_a_photo", "enrolment"),
                    (_("Departments"), "domain", "department"),
                    (_("Galleries"), "group", "gallery"),
                    (_("Look-alikes"), "compare_arrows", "gallery!look_alikes"),
                    (_("Cards"), "credit_card", "card"),
                ),
            ),
        ),
    ),
    (
        _("Doors"),
        (
            (
                "",
                (
                    (_("Doors"), "door_front", "door"),
                    (_("Would it open?"), "help", "door!simulate"),
                    (_("Without the network"), "cloud_off", "offlineevent"),
                ),
            ),
            (
                _("Who may pass when"),
                (
                    (_("Access levels"), "lock_open", "accesslevel"),
                    (_("Schedules"), "calendar_view_week", "schedule"),
                    (_("One-off grants"), "confirmation_number", "grant"),
                    (_("Holidays"), "celebration", "holiday"),
                ),
            ),
            (
                _("Places and devices"),
                (
                    (_("Sites"), "location_city", "site"),
                    (_("Zones"), "select_all", "zone"),
                    (_("Kiosks"), "tablet", "kiosk"),
                    (_("Terminals"), "fingerprint", "terminal"),
                    (_("Lines of terminals"), "inbox", "terminalline"),
                ),
            ),
        ),
    ),
    (
        _("Working time"),
        (
            (
                "",
                (
                    (_("Working days"), "today", "workday"),
                    (_("Punches"), "schedule", "punch"),
                    (_("Import"), "upload", "punch!import_list"),
                    (_("Export"), "download", "punch!export"),
                ),
            ),
            (
                _("Requests"),
                (
                    (_("Leave"), "beach_access", "leave"),
                    (_("Corrections"), "edit_calendar", "correction"),
                    (_("Outages"), "sensors_off", "outage"),
                    (_("Approved overtime"), "more_time", "overtimeapproval"),
                    (_("Proposed changes"), "published_with_changes", "proposal"),
                ),
            ),
            (
                _("Shifts"),
                (
                    (_("Roster"), "calendar_month", "rosterentry"),
                    (_("Assignments"), "assignment_ind", "assignment"),
                    (_("Shifts"), "view_timeline", "shift"),
                    (_("Rotating patterns"), "autorenew", "pattern"),
                ),
            ),
            (
                _("Rules"),
                (
                    (_("Rule sets"), "gavel", "ruleset"),
                    (_("Versions of rules"), "history", "ruleversion"),
                    (_("Types of leave"), "category", "leavetype"),
                    (_("Balances of leave"), "account_balance", "leavebalance"),
                ),
            ),
            (
                _("Payroll"),
                (
                    (_("Payroll periods"), "payments", "payrollperiod"),
                    (_("Payroll files"), "receipt_long", "payrollexport"),
                    (_("Adjustments"), "price_change", "adjustment"),
                    (_("Payroll profiles"), "tune", "payrollprofile"),
                ),
            ),
        ),
    ),
    (
        _("Reports"),
        (
            (
                "",
                (
                    (_("All reports"), "summarize", "report!"),
                    *((report.title, report.icon, f"report!{key}") for key, report in REPORTS.items()),
                ),
            ),
            (
                _("Made and sent"),
                (
                    (_("Reports being made"), "hourglass_top", "reportfile"),
                    (_("Scheduled reports"), "forward_to_inbox", "reportschedule"),
                    (_("Sent reports"), "mark_email_read", "reportmail"),
                ),
            ),
        ),
    ),
    (
        _("Privacy"),
        (
            (
                "",
                (
                    (_("Retention"), "auto_delete", "retention"),
                    (_("Consent texts"), "contract", "consenttext"),
                    (_("Privacy notices"), "shield_person", "notice"),
                    (_("Audit trail"), "policy", "auditentry"),
                ),
            ),
        ),
    ),
    (
        _("System"),
        (
            (
                "",
                (
                    (_("Staff"), "manage_accounts", "staff"),
                    (_("Programs"), "terminal", "program"),
                    (_("Endpoints"), "webhook", "endpoint"),
                    (_("Deliveries"), "outbox", "delivery"),
                ),
            ),
        ),
    ),
)
ENTRIES = tuple(entry for _section, parts in MENU for _heading, entries in parts for entry in entries)


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: only what this login may see, and how much waits for a human."""
    sections = []
    for title, parts in MENU:
        items: list[dict[str, Any]] = []
        for heading, entries in parts:
            shown = [
                item(request, name, icon, target)
                for name, icon, target in entries
                if may_see(request, target)
            ]
            if shown and heading:
                shown[0]["heading"] = heading
            items += shown
        if items:
            sections.append(
                {
                    "title": title,
                    "items": items,
                    "waiting": sum(one.get("badge", 0) for one in items),
                    # Open where one is, closed elsewhere: some logins see sixty entries.
                    "open": any(one["active"] for one in items),
                }
            )
    sections[0]["open"] |= not any(section["open"] for section in sections)
    return sections


# Pages that show more than the table they stand beside.
FURTHER = {
    "gallery!look_alikes": LOOK_ALIKES,
    "punch!import_list": (IMPORT,),
    "door!simulate": what_if.RIGHTS,
}


def may_see(request: HttpRequest, target: str) -> bool:
    model, _mark, page = target.partition("!")
    if not model:
        return True
    if model != "report":
        return request.user.has_perms(rights(target))
    return REPORTS[page].may(request.user) if page else bool(for_reader(request.user))


def rights(target: str) -> tuple[str, ...]:
    """What a login needs to see an entry of the menu."""
    model = target.split("?")[0].split("!")[0]
    return (f"access.view_{model}", *FURTHER.get(target, ()))


def item(request: HttpRequest, title: Any, icon: str, target: str) -> dict[str, Any]:
    """One line. `model?query` is a filtered list with its count, `model!page` a page beside the list."""
    if target == "!index":
        link = reverse("admin:index")
        return {"title": title, "icon": icon, "link": link, "active": request.path == link}
    if target.startswith("report!"):
        key = target.removeprefix("report!")
        link = reverse("report", args=[key]) if key else reverse("reports")
        return {"title": title, "icon": icon, "link": link, "active": request.path == link}
    path, _mark, query = target.partition("?")
    model, _mark, page = path.partition("!")
    link = reverse(f"admin:access_{model}_{page or 'changelist'}")
    chosen = request.GET.urlencode()
    if page or query:
        active = request.path == link and (not query or chosen == query)
    else:
        active = request.path.startswith(link) and request.path not in own_pages()
        active = active and f"{model}?{chosen}" not in WAITING
    found = {"title": title, "icon": icon, "link": f"{link}?{query}" if query else link, "active": active}
    if target in WAITING and (count := WAITING[target][0](request).count()):
        found |= {"badge": count, "badge_variant": WAITING[target][1]}
    return found


def own_pages() -> set[str]:
    """The addresses below a list that have an entry of their own."""
    targets = [
        target
        for _title, _icon, target in ENTRIES
        if "!" in target and not target.startswith(("!", "report!"))
    ]
    return {reverse("admin:access_{}_{}".format(*target.split("!"))) for target in targets}


def to_review() -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(state=Enrolment.State.REVIEW)


def to_approve() -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(state=Enrolment.State.APPROVE)


def asked_outages(request: HttpRequest) -> QuerySet[Any]:
    mine = reach.within(request.user, Outage.objects.filter(state=State.ASKED), "corrections__person")
    return mine.distinct()


def asked_of(request: HttpRequest, table: type[Model], state: str = State.ASKED) -> QuerySet[Any]:
    """What waits for a decision, of the people this login reaches."""
    return reach.within(request.user, table._default_manager.filter(state=state))


# What waits for a human, beside its entry in the menu.
WAITING: dict[str, tuple[Callable[[HttpRequest], QuerySet[Any]], str]] = {
    "enrolment?state__exact=review": (lambda request: to_review(), "warning"),
    "enrolment?state__exact=approve": (lambda request: to_approve(), "warning"),
    "alarm": (live.waiting_alarms, "danger"),
    "leave?state__exact=asked": (lambda request: asked_of(request, Leave), "warning"),
    "correction?state__exact=asked": (lambda request: asked_of(request, Correction), "warning"),
    "outage?state__exact=asked": (lambda request: asked_outages(request), "warning"),
    "proposal?state__exact=open": (lambda request: asked_of(request, Proposal, "open"), "warning"),
}


def demo_mark(request: HttpRequest) -> list[Any] | None:
    """The mark at the top of every page while a demo site exists."""
    return [_("Demo data"), "warning"] if Site.objects.filter(demo=True).exists() else None


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the first page shows; each part only with the permission of its table."""
    may = {
        model: request.user.has_perm(f"access.view_{model}")
        for model in ("person", "enrolment", "kiosk", "worker")
    }
    return (
        context
        | live.shown(request)
        | {
            "title": _("Overview"),
            "demo": Site.objects.filter(demo=True).exists(),
            "people": people_figures() if may["person"] else None,
            "reviews": to_review().count() if may["enrolment"] else None,
            "workers": list(health.present()) if may["worker"] or may["kiosk"] else None,
            "unjudged": list(health.unjudged_doors()) if may["worker"] or may["kiosk"] else None,
        }
    )


def people_figures() -> dict[str, int]:
    there = Person.objects.filter(erased=None)
    printed = Exists(Faceprint.objects.filter(person=OuterRef("pk"), active=True))
    consenting = Exists(Consent.objects.filter(person=OuterRef("pk"), withdrawn=None))
    return {
        "all": there.count(),
        "enrolled": there.filter(printed).count(),
        "without_consent": there.filter(~consenting, without_face=False).count(),
    }
