"""What hangs on a door, on the door's own page: driver and contact, how it stands, orders by staff."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.decorators import action
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from access.admin.days import at_site
from access.doors import broker, contacts, drivers
from access.doors.contacts import DoorEvent, State
from access.doors.drivers import DoorCommand, Fate, Order
from access.doors.wiring import Driver, Wiring
from access.places import Door

LATEST = 8
DRIVERS = {
    Driver.SIMULATED: _("simulated: nothing is sent, the page shows it"),
    Driver.HTTP: _("HTTP relay"),
    Driver.MQTT: _("MQTT broker"),
}
SCHEMES = {Driver.HTTP.value: ("http", "https"), Driver.MQTT.value: tuple(broker.PORTS)}
ORDERS = {Order.OPEN: _("open"), Order.UNLOCK: _("unlock until locked"), Order.LOCK: _("lock")}
FATES = {
    Fate.PENDING: _("waiting"),
    Fate.SENDING: _("being sent"),
    Fate.DONE: _("done"),
    Fate.FAILED: _("failed"),
    Fate.EXPIRED: _("came too late, not sent"),
}
STATES = {
    State.OPEN: _("open"),
    State.CLOSED: _("closed"),
    State.HELD: _("held open"),
    State.FORCED: _("forced open"),
    State.EXIT: _("somebody leaves by button or handle"),
}
COLOURS = {"done": "success", "failed": "danger", "expired": "danger", "held": "warning", "forced": "danger"}


class WiringForm(ModelForm):
    driver = forms.ChoiceField(
        label=_("Driver"),
        choices=[(driver.value, words) for driver, words in DRIVERS.items()],
        widget=UnfoldAdminSelectWidget,
    )
    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        max_length=200,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_(
            "The relay's signing key, or the broker's password. Sealed, and never shown again; empty keeps "
            "the one there is."
        ),
    )

    class Meta:
        model = Wiring
        fields = ["driver", "address", "secret", "open_seconds", "has_contact", "held_seconds"]

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        driver, address = fields.get("driver"), fields.get("address", "")
        if driver in SCHEMES:
            self.check_address(address, SCHEMES[driver])
        if driver == Driver.HTTP and not (fields.get("secret") or self.instance.sealed):
            self.add_error("secret", _("A relay needs a secret: its calls are signed."))
        return fields

    def check_address(self, address: str, schemes: tuple[str, ...]) -> None:
        try:
            parts = urlsplit(address)
            port_is_right = parts.port is None or parts.port > 0
        except ValueError:
            parts, port_is_right = None, False
        if parts is None or parts.scheme not in schemes or not parts.hostname or not port_is_right:
            begins = {"first": schemes[0], "second": schemes[1]}
            text = _("It begins with %(first)s:// or %(second)s:// and names a host.") % begins
            self.add_error("address", text)
        elif parts.password:
            self.add_error("address", _("Put the password into the field “secret”, where it is sealed."))
        elif parts.scheme in broker.PORTS and not parts.path.strip("/"):
            text = _("Name the lock's topics behind the host: mqtt://broker/lintel/front-door.")
            self.add_error("address", text)

    def save(self, commit: bool = True) -> Wiring:
        if secret := self.cleaned_data.get("secret"):
            self.instance.keep_secret(secret)
        return super().save(commit)


class WiringInline(StackedInline):
    model = Wiring
    form = WiringForm
    verbose_name = verbose_name_plural = _("Lock and contact")
    can_delete = False
    hide_title = True


class OrderForm(forms.Form):
    reason = forms.CharField(
        label=_("Why"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Kept with the order, beside your name."),
    )

    def clean_reason(self) -> str:
        if not (reason := self.cleaned_data["reason"].strip()):
            raise ValidationError(_("Say why."))
        return reason


class Orders:
    """For the page of a door: orders by staff, each with a reason, and how the lock stands."""

    change_form_after_template = "access/lock.html"

    def get_inlines(self, request: HttpRequest, obj: Door | None) -> list[Any]:
        """A door is wired once it is there."""
        found = list(super().get_inlines(request, obj))  # type: ignore[misc]
        return [*found, WiringInline] if obj else found

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        door = self.get_object(request, object_id)  # type: ignore[attr-defined]
        shown = lock_context(door) if door else {}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | shown)  # type: ignore[misc]

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[str]:
        """The fields of the wiring too, by name: who moved a lock elsewhere must be on record."""
        wired = [
            f"wiring {name}"
            for formset in formsets or []
            if formset.model is Wiring
            for one in formset.forms
            for name in one.changed_data
        ]
        return [*super().construct_change_message(request, form, formsets, add), *wired]  # type: ignore[misc]

    def has_order_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.order_door")

    @action(description=_("Open now"), icon="lock_open", permissions=["order"])
    def open_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = _("The lock is released once, for the seconds of the door.")
        return self.ordered(request, object_id, Order.OPEN, _("Open now"), text)

    @action(description=_("Unlock (free passage)"), icon="no_encryption", permissions=["order"])
    def unlock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = _("The lock stays released, and anybody may pass, until somebody locks it.")
        return self.ordered(request, object_id, Order.UNLOCK, _("Unlock"), text)

    @action(description=_("Lock"), icon="lock", permissions=["order"])
    def lock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = _("The lock holds again; from now on each grant opens it once.")
        return self.ordered(request, object_id, Order.LOCK, _("Lock"), text)

    def ordered(
        self, request: HttpRequest, object_id: str, what: Order, title: Any, text: Any
    ) -> HttpResponse:
        door = self.seen(request, object_id)  # type: ignore[attr-defined]
        form = OrderForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            drivers.order(door, what, by=request.user, reason=form.cleaned_data["reason"])
            messages.success(request, _("Ordered. Below stands what became of it; reload to see."))
            return HttpResponseRedirect(self.url("change", door.pk))  # type: ignore[attr-defined]
        return self.page(  # type: ignore[attr-defined]
            request,
            "access/confirm.html",
            door,
            title=f"{title}: {door}",
            text=[text],
            form=form,
            button=title,
            danger=what is Order.UNLOCK,
        )


def lock_context(door: Door) -> dict[str, Any]:
    """What the page shows of lock and contact: latest orders and reports, newest first."""
    zone, standing = door.site.zone, contacts.state_of(door)
    orders = DoorCommand.objects.filter(door=door).select_related("staff")[:LATEST]
    reports = DoorEvent.objects.filter(door=door)[:LATEST]
    return {
        "lock_state": str(STATES[standing.state]) if standing.state else None,
        "lock_colour": COLOURS.get(standing.state or "", ""),
        "lock_since": at_site(standing.since, zone) if standing.since else None,
        "lock_orders": [
            (row, at_site(row.made, zone), ORDERS[Order(row.order)], *fate(row.state)) for row in orders
        ],
        "lock_reports": [
            (row, at_site(row.at, zone), STATES[State(row.state)], COLOURS.get(row.state)) for row in reports
        ],
    }


def fate(state: str) -> tuple[Any, str | None]:
    """What became of an order, in words and as a colour."""
    return FATES[Fate(state)], COLOURS.get(state)
