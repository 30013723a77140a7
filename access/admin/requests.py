"""What is asked for on screen: leave and corrections, with the page on which a manager decides.

Promise: a login sees and decides only what `reach` lets it; asking and deciding leave entries in the trail.
"""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from access.admin.audit import Audited
from access.admin.days import at_site
from access.attendance import Punch
from access.hours import corrections, leave, plans, reach, requests
from access.hours.corrections import Correction, OvertimeApproval
from access.hours.leave import Leave, LeaveBalance, LeaveType
from access.hours.requests import Request, State

STATES = {"asked": "warning", "approved": "success", "refused": "danger", "withdrawn": "default"}
TOO_LATE = _("Somebody else decided this meanwhile.")
OWN_REQUEST = _("Punches of an outage are approved by somebody else than who asked for them.")
NOT_YOURS = _("Your login may not decide for this person.")


class Reached(Audited):
    """Rows about people, of those alone whom the login reaches."""

    person_path = "person"
    autocomplete_fields = ["person"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "person":
            kwargs["queryset"] = reach.people_for(request.user).filter(erased=None)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class AnswerForm(forms.Form):
    answer = forms.CharField(
        label=_("Answer or note"), required=False, max_length=300, widget=UnfoldAdminTextInputWidget
    )


class Asked(Reached):
    """A request is filed with the form; its page then is where it is decided, and cannot be edited."""

    list_filter = [("state", ChoicesDropdownFilter), ("person__department", RelatedDropdownFilter)]
    list_select_related = ["person__department", "decided_by"]
    search_fields = ["person__badge", "person__name"]
    search_help_text = _("Name or badge number")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description=_("state"), ordering="state", label=STATES)
    def state_label(self, row: Any) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_("decided by"), empty_value="–")
    def decider(self, row: Any) -> str | None:
        return row.decided_by.get_username() if row.decided_by else None

    # --- Many at once ---------------------------------------------------------------------------------

    actions = ["approve_chosen", "refuse_chosen"]

    def has_decide_permission(self, request: HttpRequest, key: object = None) -> bool:
        return request.user.has_perm(f"access.approve_{self.opts.model_name}")

    @action(description=_("Approve those chosen"), permissions=["decide"])
    def approve_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.decide_all(request, queryset, State.APPROVED)

    @action(description=_("Refuse those chosen"), permissions=["decide"])
    def refuse_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.decide_all(request, queryset, State.REFUSED)

    def decide_all(self, request: HttpRequest, queryset: QuerySet[Any], state: State) -> None:
        asked = list(queryset.filter(state=State.ASKED))
        done = sum(self.try_to_decide(row, state, request, "") for row in asked)
        text = ngettext("%(n)d request decided.", "%(n)d requests decided.", done)
        messages.success(request, text % {"n": done})

    # --- Asking -----------------------------------------------------------------------------------

    def ask(self, row: Any, request: HttpRequest) -> None:
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.ask(obj, request)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """Asking has left its entry already."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        messages.success(request, _("Filed. It counts once it is approved."))
        return HttpResponseRedirect(self.url("change", obj.pk))

    # --- Deciding ---------------------------------------------------------------------------------

    def decide(self, row: Any, state: State, request: HttpRequest, answer: str) -> None:
        raise NotImplementedError

    def facts(self, row: Any) -> list[tuple[Any, Any]]:
        """What the page says of the request."""
        raise NotImplementedError

    def title_of(self, row: Any) -> str:
        return f"{self.opts.verbose_name.capitalize()}: {row.person.name}"

    def context(self, row: Any, request: HttpRequest) -> dict[str, Any]:
        """What a manager wants to know before deciding."""
        return {}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.seen(request, object_id)
        form = AnswerForm(request.POST or None)
        if request.method == "POST" and request.POST.get("state") in State.values and form.is_valid():
            state = State(request.POST["state"])
            if self.try_to_decide(row, state, request, form.cleaned_data["answer"]):
                messages.success(request, _("Done: %(state)s.") % {"state": state.label})
            return HttpResponseRedirect(self.url("change", row.pk))
        may = requests.may_decide(request.user, row)
        return self.page(
            request,
            "access/request.html",
            row,
            title=self.title_of(row),
            row=row,
            style=STATES[row.state],
            facts=self.facts(row),
            form=form,
            may_decide=may and row.state == State.ASKED,
            may_take_back=may and row.state == State.APPROVED,
            **self.context(row, request),
        )

    def try_to_decide(self, row: Any, state: State, request: HttpRequest, answer: str) -> bool:
        """Whether it was decided now; if not, a message says why."""
        try:
            self.decide(row, state, request, answer)
        except requests.AlreadyDecided:
            messages.warning(request, TOO_LATE)
        except requests.NotYours:
            messages.error(request, NOT_YOURS)
        except corrections.OwnRequest:
            messages.error(request, OWN_REQUEST)
        except corrections.CorrectedBefore:
            messages.error(
                request, _("Another correction of this punch is in force. Take that one back first.")
            )
        else:
            return True
        return False


# --- Leave ------------------------------------------------------------------------------------------


@admin.register(LeaveType)
class LeaveTypeAdmin(Audited):
    list_display = ["name", "code", "paid", "counted"]


@admin.register(LeaveBalance)
class LeaveBalanceAdmin(Reached):
    list_display = ["person", "type", "year", "days", "left"]
    list_filter = ["year", ("type", RelatedDropdownFilter), ("person__department", RelatedDropdownFilter)]
    list_select_related = ["person", "type"]
    search_fields = ["person__badge", "person__name"]

    @display(description=_("days left"))
    def left(self, balance: LeaveBalance) -> str:
        return f"{balance.days - leave.taken(balance.person_id, balance.type_id, balance.year):g}"


class LeaveForm(ModelForm):
    class Meta:
        model = Leave
        fields = ["person", "type", "first", "last", "part", "note"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and last < first:
            self.add_error("last", _("The leave ends before it begins."))
        elif first and last and cleaned.get("part") != leave.Part.WHOLE and first != last:
            self.add_error("part", _("Half a day is asked for one day at a time."))
        elif first and last and cleaned.get("person"):
            wanted = Leave(person=cleaned["person"], first=first, last=last, part=cleaned.get("part", ""))
            if other := leave.overlapping(wanted).first():
                self.add_error(
                    "first", _("There is leave on these days already: %(leave)s.") % {"leave": other}
                )
        return cleaned


def days(row: Leave) -> str:
    if row.first == row.last:
        return date_format(row.first, "D j M Y")
    return f"{date_format(row.first, 'D j M')} – {date_format(row.last, 'D j M Y')}"


@admin.register(Leave)
class LeaveAdmin(Asked):
    form = LeaveForm
    list_display = ["who", "days", "type", "part_of_day", "state_label", "decider"]
    list_filter = [("type", RelatedDropdownFilter), *Asked.list_filter]
    list_select_related = [*Asked.list_select_related, "type"]

    @display(description=_("person"), ordering="person__name")
    def who(self, row: Leave) -> str:
        return str(row.person)

    @display(description=_("days"), ordering="first")
    def days(self, row: Leave) -> str:
        return days(row)

    @display(description=_("part"), ordering="part")
    def part_of_day(self, row: Leave) -> str:
        return row.get_part_display()

    def ask(self, row: Leave, request: HttpRequest) -> None:
        leave.ask(row, by=request.user)

    def decide(self, row: Leave, state: State, request: HttpRequest, answer: str) -> None:
        leave.decide(row, state, by=request.user, answer=answer)

    def facts(self, row: Leave) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = [
            (_("Person"), row.person),
            (_("Department"), row.person.department or "–"),
            (_("Type"), row.type),
            (_("Days"), days(row)),
            (_("Part"), row.get_part_display()),
        ]
        if row.note:
            found.append((_("Note"), row.note))
        return [*found, *asked(row)]

    def context(self, row: Leave, request: HttpRequest) -> dict[str, Any]:
        """The balance, and who else of the department is away."""
        balance = LeaveBalance.objects.filter(person=row.person, type=row.type, year=row.first.year).first()
        taken = leave.taken(row.person_id, row.type_id, row.first.year)
        away = Leave.objects.none()
        if row.person.department_id:
            away = Leave.objects.filter(
                person__department=row.person.department_id,
                first__lte=row.last,
                last__gte=row.first,
                state__in=[State.ASKED, State.APPROVED],
            ).exclude(person=row.person)
        found: list[tuple[Any, Any]] = []
        if balance and row.type.counted:
            found.append((_("Days a year"), f"{balance.days:g}"))
            found.append((_("Taken and approved"), f"{taken:g}"))
            found.append((_("Left"), f"{balance.days - taken:g}"))
        return {
            "balance": found,
            "away": [
                (one.person, days(one), one.get_state_display()) for one in away.select_related("person")
            ],
        }


def asked(row: Request) -> list[tuple[Any, Any]]:
    """Who asked and who decided, when."""
    by = row.asked_by.get_username() if row.asked_by else getattr(row, "asked_at", "") or "–"
    found: list[tuple[Any, Any]] = [(_("Asked (UTC)"), f"{date_format(row.asked, 'j M Y, H:i')} · {by}")]
    if row.decided:
        who = row.decided_by.get_username() if row.decided_by else "–"
        found.append((_("Decided (UTC)"), f"{date_format(row.decided, 'j M Y, H:i')} · {who}"))
    if row.answer:
        found.append((_("Answer"), row.answer))
    return found


# --- Corrections ------------------------------------------------------------------------------------


class CorrectionForm(ModelForm):
    """The new punch is given as a clock time of the working day, where the person works."""

    clock = forms.TimeField(
        label=_("time of the new punch"),
        required=False,
        widget=UnfoldAdminTextInputWidget({"type": "time"}),
        help_text=_("At the person's site. Empty: no punch is added."),
    )
    next_day = forms.BooleanField(
        label=_("on the next day"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=_("For the end of a shift over midnight."),
    )

    class Meta:
        model = Correction
        fields = ["person", "day", "punch", "direction", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """The punches around the day to choose from, each with its time at the person's site."""
        super().__init__(*args, **kwargs)
        field = self.fields["punch"]
        person, day = (self.data.get(name) or self.initial.get(name) for name in ("person", "day"))
        found = punches_around(str(person or ""), str(day or ""))
        field.queryset = field.queryset.filter(pk__in=[punch.pk for punch, _text in found])
        texts = {punch.pk: text for punch, text in found}
        field.label_from_instance = lambda punch: texts.get(punch.pk, str(punch))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        punch, clock = cleaned.get("punch"), cleaned.get("clock")
        if not punch and not clock and not self.errors:
            self.add_error("clock", _("Say which punch to add, or choose one to leave out."))
        if punch and cleaned.get("person") and punch.person_id != cleaned["person"].pk:
            self.add_error("punch", _("This is a punch of somebody else."))
        if clock and not cleaned.get("direction"):
            self.add_error("direction", _("Say whether the new punch is in or out."))
        if clock and cleaned.get("person") and cleaned.get("day"):
            day = cleaned["day"]
            wall = datetime.combine(day + timedelta(days=bool(cleaned.get("next_day"))), clock)
            self.instance.at = wall.replace(tzinfo=plans.zone_on(cleaned["person"].pk, day))
            self.instance.direction = cleaned.get("direction", "")
        return cleaned


def punches_around(person: str, day: str) -> list[tuple[Punch, str]]:
    """The punches of the day, the one before and the one after, in words; none without a person and a day."""
    try:
        key, on = int(person), date.fromisoformat(day)
    except ValueError:
        return []
    zone = plans.zone_on(key, on)
    begin = datetime.combine(on, time(), zone)
    found = Punch.objects.filter(
        person=key, at__gte=begin - timedelta(days=1), at__lt=begin + timedelta(days=2)
    ).order_by("at")
    return [(punch, punch_words(punch.at, punch, zone.key)) for punch in found]


@admin.register(Correction)
class CorrectionAdmin(Asked):
    form = CorrectionForm
    list_display = ["who", "day", "what", "new_time", "reason", "state_label", "decider"]
    fields = [("person", "day"), "punch", ("clock", "direction"), "next_day", "reason"]

    @display(description=_("person"), ordering="person__name")
    def who(self, row: Correction) -> str:
        return str(row.person)

    @display(description=_("what"))
    def what(self, row: Correction) -> str:
        return row.what

    @display(description=_("new punch"), ordering="at", empty_value="–")
    def new_time(self, row: Correction) -> str | None:
        if row.at is None:
            return None
        local = row.at.astimezone(plans.zone_on(row.person_id, row.day))
        return f"{date_format(local, 'H:i')} {row.get_direction_display()}"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "punch":
            kwargs["queryset"] = Punch.objects.filter(person__in=reach.people_for(request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A link from a day names the person and the day."""
        return {key: request.GET[key] for key in ("person", "day", "punch") if request.GET.get(key)}

    def ask(self, row: Correction, request: HttpRequest) -> None:
        corrections.ask(row, by=request.user)

    def decide(self, row: Correction, state: State, request: HttpRequest, answer: str) -> None:
        corrections.decide(row, state, by=request.user, answer=answer)

    def facts(self, row: Correction) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = [
            (_("Person"), row.person),
            (_("Department"), row.person.department or "–"),
            (_("Working day"), date_format(row.day, "D j M Y")),
            (_("What"), row.what.capitalize()),
        ]
        zone = plans.zone_on(row.person_id, row.day).key
        if row.punch:
            found.append((_("Counts no more"), punch_words(row.punch.at, row.punch, zone)))
        if row.at:
            found.append((_("New punch"), punch_words(row.at, row, zone)))
        if row.outage:
            found.append((_("Outage"), row.outage.kiosk))
        return [*found, (_("Reason"), row.reason), *asked(row)]


def punch_words(at: datetime, of: Punch | Correction, zone: str) -> str:
    return f"{at_site(at, zone)} · {of.get_direction_display()}"


@admin.register(OvertimeApproval)
class OvertimeApprovalAdmin(Reached):
    list_display = ["person", "day", "minutes", "note", "by"]
    list_select_related = ["person", "by"]
    search_fields = ["person__badge", "person__name"]
    fields = ["person", "day", "minutes", "note"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {key: request.GET[key] for key in ("person", "day") if request.GET.get(key)}

    def save_model(self, request: HttpRequest, obj: OvertimeApproval, form: Any, change: bool) -> None:
        obj.by = request.user
        super().save_model(request, obj, form, change)
