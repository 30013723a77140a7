"""Terminals and what they sent on screen: strangers to approve, unknown users to name, clocks to judge."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from access.admin.audit import Audited, ReadOnly
from access.admin.days import Days, at_site, unbroken
from access.people import Person
from access.places import Door, Site
from access.terminals import lines, orders, pushes, quarantine
from access.terminals.devices import Standing, Terminal, TerminalUser
from access.terminals.orders import TerminalCommand
from access.terminals.pushes import DOUBTFUL, State, TerminalLine

SETTLE = "access.settle_terminal"
STANDINGS = {
    Standing.WAITING: (_("waits for approval"), "warning"),
    Standing.APPROVED: (_("approved"), "success"),
    Standing.REFUSED: (_("refused"), "danger"),
}
COLOURS = {
    State.BOOKED: "success",
    State.UNAPPROVED: "warning",
    State.UNKNOWN_USER: "warning",
    State.CLOCK: "danger",
    State.UNREADABLE: "danger",
    State.RECEIVED: "info",
}
ORDERS = {
    orders.Kind.INFO: _("tell about itself"),
    orders.Kind.CHECK: _("look for news"),
    orders.Kind.CLOCK: _("set its clock"),
}
FATES = {
    orders.Fate.PENDING: _("waiting"),
    orders.Fate.SENT: _("sent"),
    orders.Fate.DONE: _("done"),
    orders.Fate.FAILED: _("failed"),
}


def zone_of(terminal: Terminal) -> str:
    return terminal.site.zone if terminal.site else "UTC"


def labels(words: dict[Any, Any]) -> dict[str, str]:
    return {str(key): colour for key, (_text, colour) in words.items()}


class ApproveForm(forms.Form):
    site = forms.ModelChoiceField(
        Site.objects.all(), label=_("It hangs at"), widget=UnfoldAdminSelectWidget, empty_label=None
    )
    door = forms.ModelChoiceField(
        Door.objects.select_related("site"),
        label=_("Door"),
        required=False,
        empty_label=_("no door"),
        widget=UnfoldAdminSelectWidget,
    )


class AssignForm(forms.Form):
    badge = forms.CharField(
        label=_("Badge number"), widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}), max_length=40
    )

    def clean_badge(self) -> Person:
        person = Person.objects.filter(badge__iexact=self.cleaned_data["badge"].strip(), erased=None).first()
        if person is None:
            raise ValidationError(_("Nobody has this badge number."))
        return person


class UsersInline(TabularInline):
    model = TerminalUser
    verbose_name_plural = _("PINs that are not badge numbers")
    fields = readonly_fields = ["pin", "person"]
    extra = 0
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class CommandsInline(TabularInline):
    model = TerminalCommand
    verbose_name_plural = _("What it was asked to do")
    fields = readonly_fields = ["order", "state_words", "answer", "made_at"]
    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description=_("order"))
    def order(self, command: TerminalCommand) -> str:
        return str(ORDERS[orders.Kind(command.kind)])

    @display(description=_("state"))
    def state_words(self, command: TerminalCommand) -> str:
        return str(FATES[orders.Fate(command.state)])

    @display(description=_("asked"))
    def made_at(self, command: TerminalCommand) -> str:
        return at_site(command.made, zone_of(command.terminal))


@admin.register(Terminal)
class TerminalAdmin(Audited):
    list_display = ["serial", "name", "where", "standing_label", "seen_last", "waiting"]
    list_filter = [("site", RelatedDropdownFilter)]
    list_select_related = ["site", "door__site"]
    search_fields = ["serial", "name"]
    search_help_text = _("Serial number or name")
    fieldsets = [
        (None, {"fields": ["serial", "name", "standing_words"]}),
        (_("Where it hangs"), {"fields": ["site", "door", "network"]}),
        (_("What is known of it"), {"fields": ["seen_last", "address", "firmware", "clock", "thrown_away"]}),
    ]
    readonly_fields = ["standing_words", "seen_last", "address", "firmware", "clock", "thrown_away"]
    inlines = [UsersInline, CommandsInline]
    actions_detail = ["approve", "refuse", "ask_info", "ask_check", "set_clock"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Terminal]:
        doubtful = Q(lines__state__in=[state.value for state in (*DOUBTFUL, State.UNAPPROVED)])
        return super().get_queryset(request).annotate(doubtful=Count("lines", filter=doubtful))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None and "site" in form.base_fields:
            form.base_fields["site"].required = True
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, *(["serial"] if obj else [])]

    def save_model(self, request: HttpRequest, obj: Terminal, form: Any, change: bool) -> None:
        if not change:
            obj.standing = Standing.APPROVED.value  # entered by hand: expected
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.lines.exists())

    @display(description=_("site and door"))
    def where(self, terminal: Terminal) -> str:
        return str(terminal.door or terminal.site or "–")

    @display(description=_("standing"), ordering="standing", label=labels(STANDINGS))
    def standing_label(self, terminal: Terminal) -> tuple[str, Any]:
        return terminal.standing, STANDINGS[Standing(terminal.standing)][0]

    @display(description=_("standing"))
    def standing_words(self, terminal: Terminal) -> str:
        return str(STANDINGS[Standing(terminal.standing)][0])

    @display(description=_("last seen"), ordering="last_seen", empty_value=_("never"))
    def seen_last(self, terminal: Terminal) -> str | None:
        return unbroken(at_site(terminal.last_seen, zone_of(terminal))) if terminal.last_seen else None

    @display(description=_("its newest line"))
    def clock(self, terminal: Terminal) -> str:
        """Its time against ours when it came: a clock ahead shows, one behind looks like a line told late."""
        if terminal.clock_ahead is None:
            return "–"
        seconds = round(abs(terminal.clock_ahead.total_seconds()))
        span = {"span": str(timedelta(seconds=seconds))}
        if terminal.clock_ahead > timedelta(seconds=5):
            return str(_("%(span)s in the future: its clock is ahead") % span)
        return str(_("%(span)s old when it came") % span)

    @display(description=_("to settle"))
    def waiting(self, terminal: Terminal) -> str:
        return str(terminal.doubtful or "–")

    @display(description=_("biometrics thrown away"))
    def thrown_away(self, terminal: Terminal) -> str:
        return str(
            _("%(count)d: fingerprints, faces and photographs of terminals are not kept here.")
            % {"count": terminal.biometrics_discarded}
        )

    # --- Approving and asking: asked for on one page, done on POST -----------------------------------

    def has_settle_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm(SETTLE)

    def may_become(self, request: HttpRequest, key: object, standing: Standing) -> bool:
        there = Terminal.objects.filter(pk=str(key)).exclude(standing=standing.value).exists()
        return request.user.has_perm(SETTLE) and there

    def has_approve_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self.may_become(request, obj, Standing.APPROVED)

    def has_refuse_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self.may_become(request, obj, Standing.REFUSED)

    @action(description=_("Approve"), icon="check", permissions=["approve"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        terminal = self.seen(request, object_id)
        form = ApproveForm(request.POST or None, initial={"site": terminal.site, "door": terminal.door})
        if request.method == "POST" and form.is_valid():
            try:
                quarantine.approve(terminal, by=request.user, **form.cleaned_data)
            except ValidationError as error:
                form.add_error("door", [text for texts in error.message_dict.values() for text in texts])
            else:
                pushes.book_received(terminal=terminal)
                messages.success(request, _("Approved. What it had sent is booked, or waits to be settled."))
                return HttpResponseRedirect(self.url("change", terminal.pk))
        return self.page(
            request,
            "access/confirm.html",
            terminal,
            title=_("Approve %(terminal)s") % {"terminal": terminal},
            text=[
                _("Its punches are booked from now on, those that wait first."),
                _(
                    "A serial number is no secret: compare it with the label on the terminal, and enter the "
                    "network that it speaks from."
                ),
            ],
            form=form,
            button=_("Approve"),
        )

    @action(description=_("Refuse"), icon="block", permissions=["refuse"])
    def refuse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        terminal = self.seen(request, object_id)
        if request.method == "POST":
            quarantine.refuse(terminal, by=request.user)
            messages.success(request, _("Refused: it is no longer listened to."))
            return HttpResponseRedirect(self.url("change", terminal.pk))
        return self.page(
            request,
            "access/confirm.html",
            terminal,
            title=_("Refuse %(terminal)s") % {"terminal": terminal},
            text=[
                _("It is no longer listened to, and what it sent and nobody booked is deleted."),
                _("Punches stay. You can approve it later."),
            ],
            button=_("Refuse"),
            danger=True,
        )

    @action(description=_("Ask who it is"), icon="info", permissions=["settle"])
    def ask_info(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask(request, object_id, orders.Kind.INFO)

    @action(description=_("Ask for news"), icon="sync", permissions=["settle"])
    def ask_check(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask(request, object_id, orders.Kind.CHECK)

    @action(description=_("Set its clock"), icon="schedule", permissions=["settle"])
    def set_clock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask(request, object_id, orders.Kind.CLOCK)

    def ask(self, request: HttpRequest, object_id: str, kind: orders.Kind) -> HttpResponse:
        terminal = self.seen(request, object_id)
        if request.method == "POST":
            orders.ask(terminal, kind, by=request.user)
            messages.success(request, _("It is told when it asks next, usually within seconds."))
            return HttpResponseRedirect(self.url("change", terminal.pk))
        words = {"terminal": terminal, "order": ORDERS[kind]}
        return self.page(
            request,
            "access/confirm.html",
            terminal,
            title=_("Ask %(terminal)s to %(order)s") % words,
            text=[
                _("The order waits until the terminal asks what there is to do. Its answer is shown below.")
            ],
            button=_("Ask"),
        )


class StateFilter(DropdownFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> Sequence[tuple[str, Any]]:
        return [
            ("doubtful", _("waits to be settled")),
            *((str(key), text) for key, text in pushes.WORDS.items()),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TerminalLine]) -> QuerySet[TerminalLine]:
        if self.value() == "doubtful":
            return queryset.filter(state__in=[state.value for state in DOUBTFUL])
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(TerminalLine)
class TerminalLineAdmin(ReadOnly):
    list_display = ["terminal", "pin", "said", "proof", "state_label", "received_at", "times"]
    list_filter = [StateFilter, ("terminal", RelatedDropdownFilter), ("received", Days)]
    list_select_related = ["terminal__site"]
    search_fields = ["=pin"]
    search_help_text = _("PIN")
    fields = readonly_fields = [
        "terminal",
        "raw",
        "state_words",
        "said",
        "proof",
        "changed",
        "punch",
        "received_at",
        "times",
    ]
    actions_detail = ["assign", "trust", "discard"]

    @display(description=_("time it says"), ordering="at")
    def said(self, line: TerminalLine) -> str:
        return unbroken(at_site(line.at, zone_of(line.terminal))) if line.at else "–"

    @display(description=_("proof"))
    def proof(self, line: TerminalLine) -> str:
        return lines.PROOFS.get(line.verify, line.verify) or "–"

    @display(description=_("change of the clock"))
    def changed(self, line: TerminalLine) -> str:
        words = {
            "gap": _("This hour does not exist on that day: the clock was put forward."),
            "overlap": _("This hour came twice on that day; the first one is taken."),
        }
        return str(words.get(line.flag, "–"))

    @display(description=_("state"), ordering="state", label={str(k): v for k, v in COLOURS.items()})
    def state_label(self, line: TerminalLine) -> tuple[str, Any]:
        return line.state, pushes.WORDS[State(line.state)]

    @display(description=_("state"))
    def state_words(self, line: TerminalLine) -> str:
        return str(pushes.WORDS[State(line.state)])

    @display(description=_("received"), ordering="id")
    def received_at(self, line: TerminalLine) -> str:
        return unbroken(at_site(line.received, zone_of(line.terminal)))

    # --- Settling -------------------------------------------------------------------------------------

    def may(self, request: HttpRequest, object_id: object, *states: State) -> bool:
        if not request.user.has_perm(SETTLE):
            return False
        known = TerminalLine.objects.filter(pk=str(object_id)).values_list("state", flat=True).first()
        return known in states

    def has_assign_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self.may(request, obj, State.UNKNOWN_USER)

    def has_trust_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self.may(request, obj, State.CLOCK)

    def has_discard_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self.may(request, obj, *DOUBTFUL)

    def back(self, request: HttpRequest, text: Any, line: TerminalLine) -> HttpResponse:
        messages.success(request, text)
        return HttpResponseRedirect(self.url("change", line.pk))

    def too_late(self, request: HttpRequest, line: TerminalLine) -> HttpResponse:
        messages.warning(request, _("Somebody else has settled this meanwhile."))
        return HttpResponseRedirect(self.url("change", line.pk))

    @action(description=_("Whose is it?"), icon="person_search", permissions=["assign"])
    def assign(self, request: HttpRequest, object_id: str) -> HttpResponse:
        line = self.seen(request, object_id)
        form = AssignForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                booked = quarantine.assign(
                    line.terminal, line.pin, form.cleaned_data["badge"], by=request.user
                )
            except (quarantine.Settled, Person.DoesNotExist):
                return self.too_late(request, line)
            return self.back(request, _("Booked: %(count)d punches.") % {"count": booked}, line)
        waiting = line.terminal.lines.filter(pin=line.pin, state=State.UNKNOWN_USER.value).count()
        words = {"pin": line.pin, "terminal": line.terminal, "count": waiting}
        return self.page(
            request,
            "access/confirm.html",
            line,
            title=_("Whose is PIN %(pin)s of %(terminal)s?") % words,
            text=[
                _("All %(count)d waiting lines of this PIN are booked for this person, and all that come.")
                % words
            ],
            form=form,
            button=_("Book for this person"),
        )

    @action(description=_("Book all the same"), icon="event_available", permissions=["trust"])
    def trust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        line = self.seen(request, object_id)
        if request.method == "POST":
            try:
                state = quarantine.trust(line, by=request.user)
            except quarantine.Settled:
                return self.too_late(request, line)
            return self.back(request, _("Now: %(state)s.") % {"state": pushes.WORDS[state]}, line)
        said = at_site(line.at, zone_of(line.terminal)) if line.at else line.raw
        return self.page(
            request,
            "access/confirm.html",
            line,
            title=_("Book at the time it says"),
            text=[
                _("A punch is booked at %(time)s and stays marked as told by a clock not to be trusted.")
                % {"time": said},
                _("If the time is wrong, discard the line and enter the right one by hand."),
            ],
            button=_("Book all the same"),
        )

    @action(description=_("Discard"), icon="delete", permissions=["discard"])
    def discard(self, request: HttpRequest, object_id: str) -> HttpResponse:
        line = self.seen(request, object_id)
        if request.method == "POST":
            try:
                quarantine.discard(line, by=request.user)
            except quarantine.Settled:
                return self.too_late(request, line)
            messages.success(request, _("Discarded: the line was emptied."))
            return HttpResponseRedirect(f"{reverse('admin:access_terminalline_changelist')}?state=doubtful")
        return self.page(
            request,
            "access/confirm.html",
            line,
            title=_("Discard this line"),
            text=[_("No punch is booked and the line is emptied; sent again, it stays discarded.")],
            button=_("Discard"),
            danger=True,
        )
