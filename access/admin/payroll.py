"""Payroll periods and what changed since on screen: lock, accept or reject, adjustment lines."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from access.admin.audit import Audited, ReadOnly
from access.admin.requests import NOT_YOURS, TOO_LATE, AnswerForm, Reached
from access.hours import ledger, payroll, proposals, words
from access.hours.payroll import Adjustment, PayrollPeriod
from access.hours.proposals import Proposal
from access.hours.requests import AlreadyDecided, NotYours

STATES = {"open": "warning", "accepted": "success", "rejected": "danger", "replaced": "default"}


@admin.register(PayrollPeriod)
class PayrollPeriodAdmin(Audited):
    list_display = ["name", "days", "state", "locker", "adjusted"]
    fields = ["name", "first", "last"]
    actions_detail = ["lock", "make_file"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if isinstance(obj, PayrollPeriod) and obj.locked:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if isinstance(obj, PayrollPeriod) and obj.locked:
            return False
        return super().has_delete_permission(request, obj)

    def has_lock_permission(self, request: HttpRequest, key: object = None) -> bool:
        return request.user.has_perm("access.lock_payrollperiod")

    def has_file_permission(self, request: HttpRequest, key: object = None) -> bool:
        return request.user.has_perm("access.add_payrollexport")

    @action(description=_("Payroll file"), icon="receipt_long", permissions=["file"], url_path="file")
    def make_file(self, request: HttpRequest, object_id: str) -> HttpResponse:
        period = self.seen(request, object_id)
        return HttpResponseRedirect(f"{reverse('admin:access_payrollexport_add')}?period={period.pk}")

    @display(description=_("days"), ordering="first")
    def days(self, period: PayrollPeriod) -> str:
        return f"{date_format(period.first, 'j M')} – {date_format(period.last, 'j M Y')}"

    @display(description=_("state"), label={"locked": "success", "open": "info"})
    def state(self, period: PayrollPeriod) -> tuple[str, Any]:
        return ("locked", _("locked")) if period.locked else ("open", _("open"))

    @display(description=_("locked by"), empty_value="–")
    def locker(self, period: PayrollPeriod) -> str | None:
        if not period.locked:
            return None
        by = period.locked_by.get_username() if period.locked_by else "–"
        return f"{by}, {date_format(period.locked, 'j M Y, H:i')} UTC"

    @display(description=_("adjustments paid with it"))
    def adjusted(self, period: PayrollPeriod) -> int:
        return period.adjustments.count()

    @action(description=_("Lock the period"), icon="lock", permissions=["lock"])
    def lock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        period = self.seen(request, object_id)
        if period.locked:
            messages.info(request, _("This period is locked already."))
            return HttpResponseRedirect(self.url("change", period.pk))
        if request.method == "POST":
            try:
                ledger.lock(period, by=request.user)
            except payroll.NotYet as reason:
                messages.error(request, str(reason))
            else:
                messages.success(request, _("%(period)s is locked.") % {"period": period})
            return HttpResponseRedirect(self.url("change", period.pk))
        return self.page(
            request,
            "access/confirm.html",
            period,
            title=_("Lock %(period)s") % {"period": period},
            text=[
                _("Its days are brought up to the facts once more and then stay as they are, for good."),
                _("What changes later becomes an adjustment line, paid with the next period that is locked."),
            ],
            button=_("Lock the period"),
        )


@admin.register(Adjustment)
class AdjustmentAdmin(Reached, ReadOnly):
    list_display = ["person", "on", "what", "paid_in", "made"]
    list_filter = [("paid_in", RelatedDropdownFilter), ("person__department", RelatedDropdownFilter)]
    list_select_related = ["person", "paid_in"]
    search_fields = ["person__badge", "person__name"]
    fields = ["person", "on", "what", "paid_in", "proposal", "made"]
    readonly_fields = fields

    @display(description=_("day"), ordering="day")
    def on(self, row: Adjustment) -> str:
        return date_format(row.day, "D j M Y")

    @display(description=_("difference"))
    def what(self, row: Adjustment) -> str:
        return words.difference(row.difference)


@admin.register(Proposal)
class ProposalAdmin(Reached, ReadOnly):
    list_display = ["person", "count", "what", "state_label", "made", "decided_by"]
    list_filter = [("state", ChoicesDropdownFilter), ("person__department", RelatedDropdownFilter)]
    list_select_related = ["person", "decided_by"]
    search_fields = ["person__badge", "person__name"]
    actions = ["accept_chosen", "reject_chosen"]

    def has_decide_permission(self, request: HttpRequest, key: object = None) -> bool:
        return request.user.has_perm(proposals.DECIDED_WITH)

    @display(description=_("days"), ordering="days")
    def count(self, row: Proposal) -> str:
        return ngettext("%(n)d day changes", "%(n)d days change", row.days) % {"n": row.days}

    @display(description=_("difference"))
    def what(self, row: Proposal) -> str:
        return words.difference(row.difference) or str(_("another status"))

    @display(description=_("state"), ordering="state", label=STATES)
    def state_label(self, row: Proposal) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @action(description=_("Accept those chosen"), permissions=["decide"])
    def accept_chosen(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> None:
        self.decide_all(request, queryset, accept=True)

    @action(description=_("Reject those chosen"), permissions=["decide"])
    def reject_chosen(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> None:
        self.decide_all(request, queryset, accept=False)

    def decide_all(self, request: HttpRequest, queryset: QuerySet[Proposal], *, accept: bool) -> None:
        done = sum(self.decide(request, row, accept=accept) for row in queryset)
        text = ngettext("%(n)d proposal decided.", "%(n)d proposals decided.", done)
        messages.success(request, text % {"n": done})

    def decide(self, request: HttpRequest, row: Proposal, *, accept: bool, note: str = "") -> bool:
        """Whether it was decided now; if not, a message says why."""
        try:
            (proposals.accept if accept else proposals.reject)(row, by=request.user, note=note)
        except AlreadyDecided:
            messages.warning(request, TOO_LATE)
        except NotYours:
            messages.error(request, NOT_YOURS)
        except proposals.Outdated:
            messages.warning(request, _("The days have changed since. Look at the newer proposal."))
        else:
            return True
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.seen(request, object_id)
        form = AnswerForm(request.POST or None)
        if request.method == "POST" and request.POST.get("answer_is") in {"yes", "no"} and form.is_valid():
            accept = request.POST["answer_is"] == "yes"
            if self.decide(request, row, accept=accept, note=form.cleaned_data["answer"]):
                messages.success(request, _("Accepted.") if accept else _("Rejected."))
            return HttpResponseRedirect(self.url("change", row.pk))
        return self.page(
            request,
            "access/proposal.html",
            row,
            title=_("Proposed changes for %(person)s") % {"person": row.person.name},
            row=row,
            style=STATES[row.state],
            count=self.count(row),
            what=self.what(row),
            changes=[self.line(row, day, change) for day, change in sorted(row.changes.items())],
            form=form,
            may_decide=row.state == Proposal.State.OPEN and proposals.may_decide(request.user, row),
        )

    def line(self, row: Proposal, day: str, change: dict[str, Any]) -> dict[str, Any]:
        before, after = change["before"], change["after"]
        return {
            "day": day,
            "before": words.status_words(before["status"]),
            "after": words.status_words(after["status"]),
            "same": before["status"] == after["status"],
            "difference": words.difference(proposals.between(before["figures"], after["figures"]), ()),
            "link": reverse("admin:access_workday_day", args=[row.person_id, day]),
        }
