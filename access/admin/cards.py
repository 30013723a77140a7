"""Cards, QR codes and PINs on screen: handed over, blocked, lost; what is secret is shown once."""

from base64 import b64encode
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from access.admin.audit import Audited, ReadOnly
from access.admin.moments import LocalDay
from access.doors import credentials
from access.doors.credentials import Card, Pin
from access.kiosk import pages
from access.people import Person
from access.places import Site

STATES = {
    "good": (_("good"), "success"),
    "early": (_("not yet"), "info"),
    "over": (_("over"), "default"),
    Card.Ended.BLOCKED.value: (_("blocked"), "warning"),
    Card.Ended.LOST.value: (_("lost"), "danger"),
    Card.Ended.RETURNED.value: (_("handed back"), "default"),
}
COLOURS = {state: colour for state, (_words, colour) in STATES.items()}


def state_of(card: Card) -> tuple[str, Any]:
    state = card.state_at(timezone.now())
    return state, STATES[state][0]


def zone_of_days() -> ZoneInfo:
    """Where a card's days begin and end: a card is of no site, so the first one's clock counts."""
    site = Site.objects.order_by("pk").first()
    return ZoneInfo(site.zone if site else "UTC")


def midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(0), zone_of_days()) if day else None


class DaysForm(forms.Form):
    """The days on which a card is good."""

    first = forms.DateField(label=_("First day"), required=False, widget=LocalDay())
    last = forms.DateField(
        label=_("Last day"), required=False, widget=LocalDay(), help_text=_("Empty: until it is taken back.")
    )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = given.get("first"), given.get("last")
        if first and last and last < first:
            self.add_error("last", _("This is before the first day."))
        return given

    @property
    def moments(self) -> dict[str, datetime | None]:
        last = self.cleaned_data["last"]
        return {
            "valid_from": midnight(self.cleaned_data["first"]),
            "valid_until": midnight(last + timedelta(days=1) if last else None),
        }


class CardForm(DaysForm):
    number = forms.CharField(
        label=_("Card number"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off", "autofocus": True}),
        help_text=_("Hold the card to a reader that types, or type what is printed on it."),
    )
    field_order = ["number", "first", "last"]


class PinForm(forms.Form):
    own = forms.ChoiceField(
        label=_("The PIN"),
        initial="made",
        choices=[("made", _("is made up here")), ("typed", _("is typed by the person"))],
        widget=UnfoldAdminRadioSelectWidget,
    )
    pin = forms.CharField(
        label=_("PIN"),
        required=False,
        max_length=12,
        widget=UnfoldAdminTextInputWidget({"inputmode": "numeric", "autocomplete": "off"}),
        help_text=_("Where the person types it: 4 to 12 digits, not all alike and not in a row."),
    )
    duress = forms.BooleanField(
        label=_("With a duress PIN"),
        required=False,
        help_text=_("A second PIN that opens like the first, and calls for help without a sign at the door."),
    )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        pin = given.get("pin", "") if given.get("own") == "typed" else credentials.new_pin()
        try:
            credentials.check_form(pin)
        except credentials.Unacceptable as error:
            raise ValidationError({"pin": str(error)}) from error
        given["pin"] = pin
        second = credentials.new_pin()
        while second == pin:
            second = credentials.new_pin()
        given["second"] = second if given.get("duress") else ""
        return given


class Holder(Audited):
    """The part of a person's page that hands over cards and PINs."""

    def living(self, key: Any) -> bool:
        return key is None or Person.objects.filter(pk=getattr(key, "pk", key), erased=None).exists()

    def has_card_permission(self, request: HttpRequest, key: object = None) -> bool:
        return request.user.has_perm("access.add_card") and self.living(key)

    def has_pin_permission(self, request: HttpRequest, key: object = None) -> bool:
        return request.user.has_perm("access.change_pin") and self.living(key)

    def has_unpin_permission(self, request: HttpRequest, key: Any = None) -> bool:
        there = key is None or Pin.objects.filter(pk=getattr(key, "pk", key)).exists()
        return request.user.has_perm("access.change_pin") and there

    @action(description=_("Issue a card"), icon="credit_card", permissions=["card"], url_path="issue-card")
    def issue_card(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.seen(request, object_id)
        form = CardForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                credentials.issue_card(person, form.cleaned_data["number"], by=request.user, **form.moments)
            except credentials.Unacceptable as error:
                form.add_error("number", str(error))
            else:
                messages.success(request, _("Handed over. It opens from the next decision on."))
                return HttpResponseRedirect(self.url("change", person.pk))
        return self.page(
            request,
            "access/confirm.html",
            person,
            title=_("Issue a card to %(person)s") % {"person": person},
            text=[
                _("Only a digest of the number is kept: it can be recognised, never read back."),
                self.days_in_words(),
            ],
            form=form,
            button=_("Hand it over"),
        )

    @action(description=_("Issue a QR code"), icon="qr_code_2", permissions=["card"], url_path="issue-qr")
    def issue_qr(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.seen(request, object_id)
        form = DaysForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            card, content = credentials.issue_qr(person, by=request.user, **form.moments)
            response = self.page(
                request,
                "access/qr_card.html",
                person,
                title=_("QR code of %(person)s") % {"person": person},
                picture=b64encode(pages.code(content)).decode(),
                card=card,
                days=days_of(card, zone_of_days()),
            )
            response["Cache-Control"] = "no-store"
            return response
        return self.page(
            request,
            "access/confirm.html",
            person,
            title=_("Issue a QR code to %(person)s") % {"person": person},
            text=[
                _("It is shown once, on the next page, to print it or to save and send it."),
                _("A copy of it opens as well: give it days, and ask for a face or a PIN beside it."),
                self.days_in_words(),
            ],
            form=form,
            button=_("Make the QR code"),
        )

    def days_in_words(self) -> str:
        return str(_("Days begin at midnight in %(zone)s.") % {"zone": zone_of_days().key})

    @action(description=_("Set the PIN"), icon="pin", permissions=["pin"], url_path="set-pin")
    def set_pin(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.seen(request, object_id)
        form = PinForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            credentials.set_pin(person, given["pin"], duress=given["second"], by=request.user)
            response = self.page(
                request,
                "access/pin.html",
                person,
                title=_("PIN of %(person)s") % {"person": person},
                pin=given["pin"] if given["own"] == "made" else "",
                duress=given["second"],
            )
            response["Cache-Control"] = "no-store"
            return response
        text = [_("The person types the badge number and this PIN at a kiosk, or the PIN after their face.")]
        if Pin.objects.filter(pk=person.pk).exists():
            text.append(_("The PIN there is now, and its duress PIN, open nothing any more."))
        return self.page(
            request,
            "access/confirm.html",
            person,
            title=_("Set the PIN of %(person)s") % {"person": person},
            text=text,
            form=form,
            button=_("Set the PIN"),
        )

    @action(description=_("Take the PIN away"), icon="backspace", permissions=["unpin"], url_path="clear-pin")
    def clear_pin(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.seen(request, object_id)
        if request.method == "POST":
            credentials.clear_pin(person, by=request.user)
            messages.success(request, _("No PIN opens anything for this person any more."))
            return HttpResponseRedirect(self.url("change", person.pk))
        return self.page(
            request,
            "access/confirm.html",
            person,
            title=_("Take the PIN of %(person)s away") % {"person": person},
            text=[_("From the next decision on no PIN opens anything for this person.")],
            button=_("Take it away"),
            danger=True,
        )


def days_of(card: Card, zone: ZoneInfo) -> str:
    """From which day to which, as the clocks there show them."""
    first = card.valid_from and date_format(card.valid_from.astimezone(zone), "j M Y")
    last = card.valid_until and date_format(
        (card.valid_until - timedelta(microseconds=1)).astimezone(zone), "j M Y"
    )
    if first and last:
        return f"{first} – {last}"
    if first:
        return str(_("from %(day)s") % {"day": first})
    return str(_("until %(day)s") % {"day": last}) if last else ""


def zone_of(card: Card) -> ZoneInfo:
    """As `zone_of_days`, brought along by the list."""
    return ZoneInfo(card.days_in or "UTC")  # type: ignore[attr-defined]


class StateFilter(DropdownFilter):
    title, parameter_name = _("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [(state, words) for state, (words, _colour) in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Card]) -> QuerySet[Card]:
        now, open_ones = timezone.now(), Q(revoked=None)
        begun = Q(valid_from=None) | Q(valid_from__lte=now)
        lasting = Q(valid_until=None) | Q(valid_until__gt=now)
        match self.value():
            case "good":
                return queryset.filter(open_ones & begun & lasting)
            case "early":
                return queryset.filter(open_ones & ~begun)
            case "over":
                return queryset.filter(open_ones & begun & ~lasting)
            case str() as ended if ended in Card.Ended.values:
                return queryset.filter(ended=ended)
        return queryset


class EndForm(forms.Form):
    why = forms.ChoiceField(
        label=_("What happened"), choices=Card.Ended.choices, widget=UnfoldAdminSelectWidget
    )


@admin.register(Card)
class CardAdmin(ReadOnly):
    person_path = "person"
    list_display = ["person", "name", "standing", "days", "handed_over", "ended_at"]
    list_filter = [StateFilter, "kind"]
    list_select_related = ["person"]
    search_fields = ["person__name", "person__badge"]
    search_help_text = _("Name, badge number, or a whole card number to find out whose it is")
    fields = ["holder", "name", "stands", "days", "handed_over", "ended_at"]
    readonly_fields = fields
    actions_detail = ["end", "unblock"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Card]:
        first = Site.objects.order_by("pk").values("zone")[:1]
        return super().get_queryset(request).annotate(days_in=Subquery(first))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Card], search_term: str
    ) -> tuple[QuerySet[Card], bool]:
        """By a card that was found, too: its number is compared, never stored."""
        found, doubled = super().get_search_results(request, queryset, search_term)
        card = credentials.card_of(search_term) if search_term else None
        return (found | queryset.filter(pk=card.pk) if card else found), doubled

    @display(description=_("card"), ordering="kind")
    def name(self, card: Card) -> str:
        return str(card)

    @display(description=_("person"))
    def holder(self, card: Card) -> str:
        address = reverse("admin:access_person_change", args=[card.person_id])
        return format_html('<a class="lintel-link" href="{}">{}</a>', address, card.person)

    @display(description=_("state"), label=COLOURS)
    def standing(self, card: Card) -> tuple[str, Any]:
        return state_of(card)

    @display(description=_("state"))
    def stands(self, card: Card) -> str:
        return str(state_of(card)[1])

    @display(description=_("days"), empty_value=_("any"))
    def days(self, card: Card) -> str | None:
        return days_of(card, zone_of(card)) or None

    @display(description=_("handed over"), ordering="issued")
    def handed_over(self, card: Card) -> str:
        return date_format(card.issued.astimezone(zone_of(card)), "j M Y")

    @display(description=_("ended"), ordering=F("revoked").desc(nulls_last=True), empty_value="–")
    def ended_at(self, card: Card) -> str | None:
        return date_format(card.revoked.astimezone(zone_of(card)), "j M Y, H:i") if card.revoked else None

    def has_end_permission(self, request: HttpRequest, key: Any = None) -> bool:
        open_ones = Q(revoked=None) | Q(ended=Card.Ended.BLOCKED)
        there = Card.objects.filter(open_ones, pk=getattr(key, "pk", key))
        return request.user.has_perm("access.change_card") and (key is None or there.exists())

    def has_unblock_permission(self, request: HttpRequest, key: Any = None) -> bool:
        there = Card.objects.filter(pk=getattr(key, "pk", key), ended=Card.Ended.BLOCKED)
        return request.user.has_perm("access.change_card") and (key is None or there.exists())

    @action(description=_("Block, lost, handed back"), icon="credit_card_off", permissions=["end"])
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        card = self.seen(request, object_id)
        form = EndForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            credentials.revoke_card(card, why=form.cleaned_data["why"], by=request.user)
            messages.success(request, _("It opens nothing from the next decision on."))
            return HttpResponseRedirect(self.url("change", card.pk))
        return self.page(
            request,
            "access/confirm.html",
            card,
            title=_("%(card)s of %(person)s") % {"card": card, "person": card.person},
            text=[
                _("It opens nothing from the next decision on."),
                _("A blocked card can be opened again. A lost one that is shown raises an alarm at once."),
                _("One that was handed back can be issued to somebody else."),
            ],
            form=form,
            button=_("End it"),
            danger=True,
        )

    @action(description=_("Open it again"), icon="credit_score", permissions=["unblock"])
    def unblock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        card = self.seen(request, object_id)
        if request.method == "POST":
            try:
                credentials.unblock_card(card, by=request.user)
            except credentials.Unacceptable as error:
                messages.error(request, str(error))
            else:
                messages.success(request, _("It opens again what it opened."))
            return HttpResponseRedirect(self.url("change", card.pk))
        return self.page(
            request,
            "access/confirm.html",
            card,
            title=_("Open %(card)s of %(person)s again") % {"card": card, "person": card.person},
            text=[_("It opens again what it opened, within its days.")],
            button=_("Open it again"),
        )

    def subjects(self, obj: Model) -> list[str]:
        """The trail speaks of cards under their holders, and of alarms about them under the card."""
        return [f"card:{obj.pk}", f"person:{obj.person_id}"]  # type: ignore[attr-defined]
