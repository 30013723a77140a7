"""Scheduled reports on screen: which report, how often, to whom, and what became of each e-mail."""

from datetime import UTC
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from access import reports
from access.admin.audit import Audited, ReadOnly, utc
from access.admin.days import unbroken
from access.admin.report_files import title
from access.handouts import schedules
from access.handouts.schedules import ReportMail, ReportSchedule
from access.hours import reach
from access.places import Site
from access.reports.exports import Layout
from access.reports.filters import FILTERS, Wrong
from access.reports.shape import Report
from access.staff import Staff

# The fields of the report's own filter, beside those of the schedule: both have a site.
PREFIX = "filter_"
MAIL_STATES = {"pending": "info", "sent": "success", "refused": "warning", "failed": "danger"}


def filter_fields(report: Report, staff: Staff) -> dict[str, forms.Field]:
    """The filters of the report in the look of the admin."""
    found: dict[str, forms.Field] = {}
    for name in report.filters:
        for field_name, field in FILTERS[name](staff).items():
            if isinstance(field.widget, forms.HiddenInput):
                continue
            if isinstance(field, forms.DateField):
                field.widget = forms.TextInput({"type": "date", "class": " ".join(INPUT_CLASSES)})
            elif isinstance(field, forms.ChoiceField):
                choices = field.choices
                field.widget = UnfoldAdminSelectWidget()
                field.choices = choices
            else:
                field.widget = UnfoldAdminTextInputWidget()
            found[PREFIX + field_name] = field
    return found


class ScheduleForm(ModelForm):
    """The filters are declared anew for each report and reader; see `form_for`."""

    report_asked: Report
    reader: Staff

    file = forms.ChoiceField(label=_("File"), widget=UnfoldAdminSelectWidget)
    recipients = forms.ModelMultipleChoiceField(
        Staff.objects.filter(is_staff=True, is_active=True).exclude(email="").order_by("username"),
        label=_("Recipients"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Staff with an e-mail address. Each gets what they may see themselves."),
    )

    class Meta:
        model = ReportSchedule
        fields = ["name", "every", "weekday", "monthday", "hour", "site", "recipients", "attached", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].choices = [(name, name.upper()) for name in self.report_asked.files]
        self.fields["file"].initial = self.instance.layout.get("file")
        for name, value in self.instance.given.items():
            if PREFIX + name in self.fields:
                self.fields[PREFIX + name].initial = value
        if not settings.MAIL_ATTACH:
            self.fields["attached"].disabled = True
            self.fields["attached"].help_text = _(
                "Not allowed here (LINTEL_MAIL_ATTACH): e-mails have a link."
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        given = {
            name.removeprefix(PREFIX): self.data[name]
            for name in self.fields
            if name.startswith(PREFIX) and self.data.get(name)
        }
        try:
            self.instance.given = dict(self.report_asked.ask(given, self.reader).given)
        except Wrong as error:
            for name, texts in error.errors.items():
                known = PREFIX + name if PREFIX + name in self.fields else None
                for text in texts:
                    self.add_error(known, text)
        self.instance.report = self.report_asked.key
        self.instance.layout = {**Layout().__dict__, "file": cleaned.get("file") or "csv"}
        return cleaned


def form_for(report: Report, staff: Staff) -> type[ScheduleForm]:
    named = {**filter_fields(report, staff), "report_asked": report, "reader": staff}
    return type("ScheduleForm", (ScheduleForm,), named)


@admin.register(ReportSchedule)
class ReportScheduleAdmin(Audited):
    list_display = ["name", "what", "when", "to", "due", "last"]
    list_select_related = ["site"]
    search_fields = ["name"]
    list_before_template = change_form_before_template = "access/mail_off.html"
    readonly_fields = ["told"]
    actions_detail = ["send_now"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportSchedule]:
        latest = ReportMail.objects.filter(schedule=OuterRef("pk")).values("state")[:1]
        found = super().get_queryset(request)
        found = found.annotate(count=Count("recipients", distinct=True), latest=Subquery(latest))
        return found if request.user.has_perm(reach.EVERYBODY) else found.filter(owner=request.user)

    # Others are read, not rewritten; unfold asks about actions with the row's key.
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return own(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return own(request, obj) and super().has_delete_permission(request, obj)

    # --- The list -------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, (extra_context or {}) | mail_state())

    @display(description=_("report"))
    def what(self, row: ReportSchedule) -> str:
        return str(title(row.report))

    @display(description=_("sent"))
    def when(self, row: ReportSchedule) -> str:
        return rhythm(row)

    @display(description=_("recipients"))
    def to(self, row: Any) -> int:
        return row.count

    @display(description=_("next"), ordering="next_due", empty_value=_("paused"))
    def due(self, row: ReportSchedule) -> str | None:
        if row.next_due is None:
            return None
        return unbroken(date_format(row.next_due.astimezone(row.zone), "D j M Y, H:i"))

    @display(description=_("last e-mail"), label=MAIL_STATES, empty_value="–")
    def last(self, row: Any) -> tuple[str, Any] | None:
        return (row.latest, ReportMail.State(row.latest).label) if row.latest else None

    # --- The form -------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First the report, then its schedule."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if self.asked(request, None) is None:
            return self.page(
                request,
                "access/report_choice.html",
                None,
                title=_("Which report?"),
                reports=reports.for_reader(request.user),
                **mail_state(),
            )
        return super().add_view(request, form_url, (extra_context or {}) | mail_state())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.seen(request, object_id)
        report = reports.REPORTS.get(row.report)
        if report is None or not report.may(request.user):
            raise PermissionDenied
        return super().change_view(request, object_id, form_url, (extra_context or {}) | mail_state())

    def edits(self, request: HttpRequest, obj: ReportSchedule | None) -> bool:
        return self.has_change_permission(request, obj) if obj else self.has_add_permission(request)

    @display(description=_("filters"), empty_value="–")
    def told(self, row: ReportSchedule) -> str | None:
        return ", ".join(f"{name} {value}" for name, value in row.given.items()) or None

    def asked(self, request: HttpRequest, row: ReportSchedule | None) -> Report | None:
        """The report of the schedule, if the login may open it."""
        found = reports.REPORTS.get(row.report if row else request.GET.get("report", ""))
        return found if found and found.may(request.user) else None

    def get_fieldsets(self, request: HttpRequest, obj: ReportSchedule | None = None) -> Any:
        report = self.asked(request, obj)
        names = ["told"]
        if report and self.edits(request, obj):
            names = [*filter_fields(report, request.user), "file"]
        return [
            (None, {"fields": ["name", "recipients"]}),
            (report.title if report else _("Report"), {"fields": [*names, "attached"]}),
            (_("When"), {"fields": [("every", "hour"), ("weekday", "monthday"), "site", "active"]}),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        report = self.asked(request, obj)
        if report is not None and self.edits(request, obj):
            kwargs["form"] = form_for(report, request.user)
        return super().get_form(request, obj, change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A link from a report brings its filters along."""
        given = {PREFIX + name: value for name, value in request.GET.items() if name != "report"}
        site = Site.objects.order_by("pk").first()
        mine = {"recipients": [request.user.pk], "name": request.GET.get("name", "")}
        return given | mine | {"site": site.pk if site else None}

    def save_model(self, request: HttpRequest, obj: ReportSchedule, form: Any, change: bool) -> None:
        if not change:
            obj.owner = request.user
        super().save_model(request, obj, form, change)
        schedules.keep(obj)

    @action(description=_("Send it now"), icon="send", permissions=["change"])
    def send_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.seen(request, object_id)
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        if request.method == "POST":
            count = schedules.send_now(row, by=request.user)
            text = ngettext("%(n)d e-mail is on its way.", "%(n)d e-mails are on their way.", count)
            messages.success(request, text % {"n": count})
            return HttpResponseRedirect(f"{self.url('changelist')}")
        return self.page(
            request,
            "access/confirm.html",
            row,
            title=_("Send “%(name)s” now?") % {"name": row},
            text=[
                _("Everybody who receives it gets one now, besides those planned."),
                _("Each gets what they may see themselves."),
            ],
            button=_("Send it now"),
        )


def own(request: HttpRequest, obj: Any) -> bool:
    if not isinstance(obj, ReportSchedule):
        return True
    return obj.owner_id == request.user.pk or request.user.is_superuser


def mail_state() -> dict[str, Any]:
    return {"mail_off": not settings.EMAIL_HOST}


def rhythm(row: ReportSchedule) -> str:
    """ "every week, Monday 06:00" by the clock of the site."""
    day = {
        ReportSchedule.Every.WEEK: f"{row.get_weekday_display()} ",
        ReportSchedule.Every.MONTH: _("day %(day)d, ") % {"day": row.monthday},
    }
    return f"{row.get_every_display()}, {day.get(row.every, '')}{row.hour:02d}:00 {row.site}"  # type: ignore[call-overload]


@admin.register(ReportMail)
class ReportMailAdmin(ReadOnly):
    list_display = ["when", "schedule", "recipient", "state_label", "tries", "error", "done"]
    list_filter = [("state", ChoicesDropdownFilter), ("schedule", RelatedDropdownFilter)]
    list_select_related = ["schedule", "recipient"]
    list_display_links = None
    actions = ["again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportMail]:
        found = super().get_queryset(request)
        if request.user.has_perm(reach.EVERYBODY):
            return found
        return found.filter(schedule__owner=request.user) | found.filter(recipient=request.user)

    @display(description=_("due (UTC)"), ordering="slot")
    def when(self, row: ReportMail) -> str:
        return unbroken(date_format(row.slot.astimezone(UTC), "j M Y, H:i"))

    @display(description=_("state"), ordering="state", label=MAIL_STATES)
    def state_label(self, row: ReportMail) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_("finished (UTC)"), ordering="finished", empty_value="–")
    def done(self, row: ReportMail) -> str | None:
        return unbroken(utc(row.finished)) if row.finished else None

    def has_again_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.change_reportschedule")

    @action(description=_("Send those chosen again"), permissions=["again"])
    def again(self, request: HttpRequest, queryset: QuerySet[ReportMail]) -> None:
        count = schedules.again(queryset, by=request.user)
        text = ngettext("%(n)d e-mail is on its way.", "%(n)d e-mails are on their way.", count)
        messages.success(request, text % {"n": count})
