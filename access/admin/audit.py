"""The audit trail on screen, and the ground every page of the admin stands on: a change leaves an entry.

Promise: Django's own admin log is never written. It would keep names in clear where erasure cannot
reach them; the trail names rows by key.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms import BaseFormSet, Form
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from access import audit, chain
from access.admin.days import Days, unbroken
from access.audit import AuditEntry
from access.hours import reach

ENTRIES_PER_PAGE = 50

ACTIONS = {
    "accesslevel.added": _("Access level added"),
    "accesslevel.changed": _("Access level changed"),
    "accesslevel.deleted": _("Access level deleted"),
    "alarm.acknowledged": _("Alarm acknowledged"),
    "alarm.raised": _("Alarm raised"),
    "assignment.added": _("Assignment to shifts added"),
    "assignment.changed": _("Assignment to shifts changed"),
    "assignment.deleted": _("Assignment to shifts deleted"),
    "attendance.exported": _("Attendance exported"),
    "card.issued": _("Card issued"),
    "card.revoked": _("Card revoked"),
    "card.unblocked": _("Blocked card opened again"),
    "consent.given": _("Consent noted"),
    "consent.withdrawn": _("Consent withdrawn"),
    "consenttext.added": _("Consent text added"),
    "consenttext.changed": _("Consent text changed"),
    "consenttext.deleted": _("Consent text deleted"),
    "correction.approved": _("Correction approved"),
    "correction.asked": _("Correction asked for"),
    "correction.refused": _("Correction refused"),
    "correction.withdrawn": _("Correction taken back"),
    "decision.dispute_settled": _("“Not me” settled"),
    "decision.disputed": _("“Not me” said at a kiosk"),
    "decision.granted": _("Door opened"),
    "decision.granted_offline": _("Door opened by a kiosk without the network"),
    "decision.refused": _("Door refused"),
    "decision.refused_offline": _("Door refused by a kiosk without the network"),
    "demo.made": _("Demo site made"),
    "demo.removed": _("Demo site removed"),
    "department.added": _("Department added"),
    "department.changed": _("Department changed"),
    "department.deleted": _("Department deleted"),
    "door.added": _("Door added"),
    "door.changed": _("Door changed"),
    "door.deleted": _("Door deleted"),
    "door.mode_set": _("Mode of a door set"),
    "door.ordered": _("Door opened, unlocked or locked by staff"),
    "endpoint.added": _("Endpoint added"),
    "endpoint.changed": _("Endpoint changed"),
    "endpoint.deleted": _("Endpoint deleted"),
    "endpoint.disabled": _("Endpoint switched off by its answer"),
    "endpoint.secret_set": _("Secret of an endpoint set"),
    "endpoint.sent_again": _("Delivery sent again"),
    "endpoint.tested": _("Test sent to an endpoint"),
    "enrolment.done": _("Enrolment done"),
    "enrolment.approved": _("Self-enrolment approved"),
    "enrolment.refused": _("Enrolment refused"),
    "enrolment.rejected": _("Self-enrolment rejected"),
    "enrolment.reviewed": _("Look-alike settled"),
    "enrolment.submitted": _("Photographs handed in"),
    "enrolment.to_approve": _("Self-enrolment waits for approval"),
    "enrolment.to_review": _("Look-alike found"),
    "faceprints.deleted": _("Faceprints deleted"),
    "faceprints.rotated": _("Faceprints turned by a new secret"),
    "gallery.added": _("Gallery added"),
    "gallery.changed": _("Gallery changed"),
    "gallery.deleted": _("Gallery deleted"),
    "grant.added": _("One-off grant added"),
    "grant.changed": _("One-off grant changed"),
    "grant.deleted": _("One-off grant deleted"),
    "group.added": _("Group added"),
    "group.changed": _("Group changed"),
    "group.deleted": _("Group deleted"),
    "holiday.added": _("Holiday added"),
    "holiday.changed": _("Holiday changed"),
    "holiday.deleted": _("Holiday deleted"),
    "invitation.made": _("Invited to enrol"),
    "invitation.revoked": _("Invitation taken back"),
    "invitation.used": _("Photographs handed in by invitation"),
    "keys.rewrapped": _("Keys wrapped by a new master key"),
    "kiosk.added": _("Kiosk added"),
    "kiosk.changed": _("Kiosk changed"),
    "kiosk.deleted": _("Kiosk deleted"),
    "kiosk.events_told": _("Kiosk told what it did without the network"),
    "kiosk.key_issued": _("Kiosk key issued"),
    "kiosk.keys_revoked": _("Kiosk keys revoked"),
    "kiosk.paired": _("Kiosk paired"),
    "kiosk.pairing_offered": _("Pairing code made"),
    "kiosk.unlock_refused": _("Wrong kiosk PIN"),
    "kiosk.unlocked": _("Kiosk opened with its PIN"),
    "leave.approved": _("Leave approved"),
    "leave.asked": _("Leave asked for"),
    "leave.refused": _("Leave refused"),
    "leave.withdrawn": _("Leave taken back"),
    "leavebalance.added": _("Balance of leave added"),
    "leavebalance.changed": _("Balance of leave changed"),
    "leavebalance.deleted": _("Balance of leave deleted"),
    "leavetype.added": _("Type of leave added"),
    "leavetype.changed": _("Type of leave changed"),
    "leavetype.deleted": _("Type of leave deleted"),
    "notice.added": _("Privacy notice added"),
    "notice.changed": _("Privacy notice changed"),
    "notice.deleted": _("Privacy notice deleted"),
    "outage.approved": _("Punches of an outage approved"),
    "outage.asked": _("Punches of an outage asked for"),
    "outage.refused": _("Punches of an outage refused"),
    "outage.withdrawn": _("Punches of an outage taken back"),
    "overtimeapproval.added": _("Overtime approved"),
    "overtimeapproval.changed": _("Approval of overtime changed"),
    "overtimeapproval.deleted": _("Approval of overtime deleted"),
    "pattern.added": _("Rotating pattern added"),
    "pattern.changed": _("Rotating pattern changed"),
    "pattern.deleted": _("Rotating pattern deleted"),
    "payrollexport.downloaded": _("Payroll file downloaded"),
    "payrollexport.made": _("Payroll file made"),
    "payrollperiod.added": _("Payroll period added"),
    "payrollperiod.changed": _("Payroll period changed"),
    "payrollperiod.deleted": _("Payroll period deleted"),
    "payrollperiod.locked": _("Payroll period locked"),
    "payrollprofile.added": _("Payroll profile added"),
    "payrollprofile.changed": _("Payroll profile changed"),
    "payrollprofile.deleted": _("Payroll profile deleted"),
    "person.added": _("Person added"),
    "person.changed": _("Person changed"),
    "person.disclosed": _("A person's own data downloaded"),
    "person.erased": _("Person erased"),
    "person.galleries": _("Galleries of a person changed"),
    "person.passback_reset": _("Person may enter zones again"),
    "person.reactivated": _("Person reactivated"),
    "person.suspended": _("Person suspended"),
    "photograph.deleted": _("Photograph deleted"),
    "photograph.viewed": _("Photographs looked at"),
    "picture.viewed": _("Picture of a passage looked at"),
    "pin.cleared": _("PIN taken away"),
    "pin.set": _("PIN set"),
    "program.issued": _("Token for a program issued"),
    "program.revoked": _("Token of a program revoked"),
    "proposal.accepted": _("Changed days accepted"),
    "proposal.rejected": _("Changed days rejected"),
    "report.exported": _("Report exported"),
    "retention.changed": _("Retention changed"),
    "retention.deleted": _("Deleted by retention"),
    "reportfile.asked": _("Report asked for"),
    "reportfile.cancelled": _("Report cancelled"),
    "reportfile.fetched": _("Report fetched"),
    "reportschedule.added": _("Scheduled report added"),
    "reportschedule.changed": _("Scheduled report changed"),
    "reportschedule.deleted": _("Scheduled report deleted"),
    "reportschedule.sent_again": _("Report sent again"),
    "reportschedule.sent_now": _("Report sent besides those planned"),
    "reportschedule.due": _("Scheduled report fell due"),
    "rosterentry.added": _("Roster entry added"),
    "rosterentry.changed": _("Roster entry changed"),
    "rosterentry.deleted": _("Roster entry deleted"),
    "ruleset.added": _("Rule set added"),
    "ruleset.changed": _("Rule set changed"),
    "ruleset.deleted": _("Rule set deleted"),
    "ruleversion.added": _("New version of rules"),
    "ruleversion.changed": _("Version of rules changed"),
    "ruleversion.deleted": _("Version of rules deleted"),
    "savedfilter.forgotten": _("Saved filter deleted"),
    "savedfilter.saved": _("Saved filter saved"),
    "schedule.added": _("Schedule added"),
    "schedule.changed": _("Schedule changed"),
    "schedule.deleted": _("Schedule deleted"),
    "second_factor.recovery_code_used": _("Recovery code used"),
    "second_factor.removed": _("Second factor removed"),
    "second_factor.set": _("Second factor set up"),
    "shift.added": _("Shift added"),
    "shift.changed": _("Shift changed"),
    "shift.deleted": _("Shift deleted"),
    "punches.imported": _("Punches imported"),
    "site.added": _("Site added"),
    "site.changed": _("Site changed"),
    "site.deleted": _("Site deleted"),
    "site.kiosk_pin_set": _("Kiosk PIN set"),
    "site.lockdown_lifted": _("Lockdown lifted"),
    "site.locked_down": _("Site locked down"),
    "staff.added": _("Member of staff added"),
    "staff.changed": _("Member of staff changed"),
    "staff.deleted": _("Member of staff deleted"),
    "staff.sign_in_failed": _("Sign-in failed"),
    "staff.signed_in": _("Signed in"),
    "terminal.added": _("Terminal added"),
    "terminal.appeared": _("Unknown terminal appeared"),
    "terminal.approved": _("Terminal approved"),
    "terminal.asked": _("Terminal asked to do something"),
    "terminal.changed": _("Terminal changed"),
    "terminal.deleted": _("Terminal deleted"),
    "terminal.refused": _("Terminal refused"),
    "terminal.user_assigned": _("PIN of a terminal assigned"),
    "terminalline.discarded": _("Line of a terminal discarded"),
    "terminalline.trusted": _("Line of a doubtful clock booked"),
    "zone.added": _("Zone added"),
    "zone.changed": _("Zone changed"),
    "zone.deleted": _("Zone deleted"),
    "zone.reset": _("Zone emptied"),
}


def words(entry: AuditEntry) -> str:
    """What happened, as people say it; an action without words keeps its own name."""
    return str(ACTIONS.get(entry.action, entry.action))


def who(entry: AuditEntry) -> str:
    """The login, the device or the program that acted. A login deleted since is named by its key."""
    if entry.staff_id is None:
        return entry.actor or "–"
    login = entry.staff.get_username() if entry.staff else f"staff:{entry.staff_id}"
    return f"{login} ({entry.actor})" if entry.actor else login


def details(entry: AuditEntry) -> list[tuple[str, str]]:
    return [
        (key.replace("_", " "), ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for key, value in entry.details.items()
        if value not in (None, "", [])
    ]


class Departments(RelatedDropdownFilter):
    """Only those that the login may choose from: the others are not named to it."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        ordering = self.field_admin_ordering(field, request, model_admin)
        reached = {"pk__in": reach.departments_for(request.user)}
        return field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=reached)  # type: ignore[no-any-return]


class Audited(ModelAdmin):
    """An admin whose changes go into our trail, by row key and field names, never by values."""

    # Deleting many rows with one click is nobody's daily work here.
    actions = None
    list_per_page = 50
    list_filter_submit = True
    warn_unsaved_form = True
    # The path from a row to its person: a login sees the rows of people it reaches. None: rows of nobody.
    person_path: str | None = None
    # Some rows are about nobody, and for everybody who may see the table.
    some_of_nobody = False

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """A filter by department is a list of departments, and as much within reach as the rows are."""
        return [
            (chosen[0], Departments)
            if isinstance(chosen, tuple) and chosen[0].rpartition("__")[2] == "department"
            else chosen
            for chosen in super().get_list_filter(request)
        ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """What was chosen is deleted on its own page, which says what goes with it, not beside the choice."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(getattr(field, "widget", None), RelatedFieldWidgetWrapper):
            field.widget.can_delete_related = False
        return field

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request)
        if self.person_path is None:
            return found
        return reach.within(request.user, found, self.person_path, nobody=self.some_of_nobody)

    def construct_change_message(
        self, request: HttpRequest, form: Form, formsets: Iterable[BaseFormSet] | None, add: bool = False
    ) -> list[str]:
        lists = [one.prefix for one in formsets or () if one.has_changed()]
        return [*form.changed_data, *lists]

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        audit.record(f"{obj._meta.model_name}.added", obj, by=request.user)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:
        if message:
            audit.record(f"{obj._meta.model_name}.changed", obj, by=request.user, fields=list(message))

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> None:
        for row in queryset:
            audit.record(f"{row._meta.model_name}.deleted", row, by=request.user)

    def subjects(self, obj: Model) -> list[str]:
        """The keys under which the trail speaks of this row."""
        return [audit.name_of(obj)]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        obj = self.seen(request, object_id)
        entries = AuditEntry.objects.filter(subject__in=self.subjects(obj)).select_related("staff")
        page = Paginator(entries, ENTRIES_PER_PAGE).get_page(request.GET.get("p"))
        return self.page(
            request,
            "access/history.html",
            obj,
            title=_("History of %(name)s") % {"name": obj},
            entries=[(entry, words(entry), who(entry), details(entry)) for entry in page],
            pages=page,
        )

    def seen(self, request: HttpRequest, object_id: str, *, allowed: bool = True) -> Any:
        """The row, if this login may see it and whatever else was asked. Raises Http404, PermissionDenied.

        Addresses hold keys as Django's admin quotes them: those made of words, with their underscores.
        """
        obj = self.get_object(request, unquote(object_id))
        if not allowed or not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        if obj is None:
            raise Http404
        return obj

    def page(
        self, request: HttpRequest, template: str, obj: Model | None, **context: Any
    ) -> TemplateResponse:
        """A page of our own inside the admin's frame."""
        frame = self.admin_site.each_context(request)
        found = {"opts": self.opts, "original": obj, "media": self.media, "model_admin": self}
        return TemplateResponse(request, template, frame | found | context)

    def url(self, name: str, *args: object) -> str:
        quoted = [quote(arg) for arg in args]
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=quoted)


class ReadOnly(Audited):
    """A list of facts: nobody adds, changes or deletes them here."""

    warn_unsaved_form = False
    show_add_link = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ActionFilter(DropdownFilter):
    title = _("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: object) -> Sequence[tuple[str, Any]]:
        return list(ACTIONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(action=self.value()) if self.value() else queryset


def chain_state() -> dict[str, Any]:
    """How far the trail is sealed and what the last check found, in words."""
    head, check, (waiting, seconds) = chain.head(), chain.last_check(), chain.unsealed()
    behind = seconds > chain.LONGEST_WAIT.total_seconds()
    state = {"colour": "success", "word": _("sealed"), "findings": []}
    if behind:
        state |= {"colour": "warning", "word": _("not being sealed")}
    if check and check.findings:
        state |= {"colour": "danger", "word": _("tampered with"), "findings": check.findings[:3]}
    if head.sealed:
        values = {"entry": head.entry, "time": utc(head.sealed), "waiting": waiting}
        state["sealed"] = _("Sealed up to entry %(entry)s at %(time)s UTC; %(waiting)s waiting.") % values
    else:
        state["sealed"] = _("No entry is sealed yet; a running worker does it within a second.")
    if check:
        values = {"time": utc(check.finished), "count": f"{check.number:,}"}
        state["checked"] = _("Last checked %(time)s UTC: %(count)s entries.") % values
    else:
        state["checked"] = _("Not checked yet.")
    return state


def utc(moment: datetime) -> str:
    return date_format(moment.astimezone(UTC), "j M Y, H:i:s")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_before_template = "access/chain.html"
    list_display = ["when", "what", "subject_link", "by", "more"]
    list_filter = [ActionFilter, ("at", Days)]
    list_select_related = ["staff"]
    search_fields = ["=subject", "^action", "=actor", "=staff__username"]
    search_help_text = _("A key such as person:12 or kiosk:3, a login, or an action such as consent.given")
    fields = ["when", "what", "subject_link", "by", "more"]
    readonly_fields = fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, (extra_context or {}) | {"chain": chain_state()})

    @display(description=_("time (UTC)"), ordering="id")
    def when(self, entry: AuditEntry) -> str:
        return unbroken(utc(entry.at))

    @display(description=_("what"))
    def what(self, entry: AuditEntry) -> str:
        return format_html('<span title="{}">{}</span>', entry.action, words(entry))

    @display(description=_("about"))
    def subject_link(self, entry: AuditEntry) -> str:
        model, _colon, key = entry.subject.partition(":")
        try:
            name = "decision" if model == "snapshot" else model
            return format_html(
                '<a class="lintel-link" href="{}">{}</a>',
                reverse(f"admin:access_{name}_change", args=[key]),
                entry.subject,
            )
        except NoReverseMatch:
            return entry.subject

    @display(description=_("by"))
    def by(self, entry: AuditEntry) -> str:
        return who(entry)

    @display(description=_("details"))
    def more(self, entry: AuditEntry) -> str:
        return "; ".join(f"{key} {value}" for key, value in details(entry))

    def subjects(self, obj: AuditEntry) -> list[str]:
        return [obj.subject]
