"""Endpoints and the log of deliveries on screen. A webhook's secret is shown on one page, once."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
)

from access.admin.audit import Audited, ReadOnly
from access.admin.days import Days, unbroken
from access.hooks import deliveries, endpoints
from access.hooks.deliveries import STATE_WORDS, Delivery, State
from access.hooks.endpoints import EVENT_WORDS, KIND_WORDS, Endpoint, Kind

STATE_COLOURS = {
    "pending": "info",
    "delivered": "success",
    "refused": "warning",
    "given_up": "danger",
}


class EndpointForm(ModelForm):
    kind = forms.ChoiceField(
        label=_("What listens there"),
        choices=[(str(kind), text) for kind, text in KIND_WORDS.items()],
        widget=UnfoldAdminSelectWidget,
    )
    events = forms.MultipleChoiceField(
        label=_("Tells of"),
        choices=[(str(event), text) for event, text in EVENT_WORDS.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        required=False,
        help_text=_("Frappe HR and Odoo are told of punches only."),
    )
    secret = forms.CharField(
        label=_("Secret of the account"),
        required=False,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}),
        help_text=_(
            "Frappe: the API secret. Odoo: an API key. Stored sealed and never shown; empty keeps what is "
            "there. A webhook gets its secret on the next page instead."
        ),
    )

    class Meta:
        model = Endpoint
        fields = ["name", "kind", "url", "active", "events", "names", "account", "database"]


def utc(moment: Any) -> str:
    return unbroken(date_format(moment.astimezone(UTC), "j M Y, H:i:s"))


@admin.register(Endpoint)
class EndpointAdmin(Audited):
    form = EndpointForm
    list_display = ["name", "kind_words", "url", "state_label", "waiting", "latest"]
    search_fields = ["name", "url"]
    fieldsets = [
        (None, {"fields": ["name", "kind", "url", "active"]}),
        (_("Webhook"), {"fields": ["events", "names"]}),
        (
            _("Frappe HR and Odoo"),
            {"fields": ["account", "secret", "database", "employee_field", "zone"]},
        ),
    ]
    actions_detail = ["new_secret", "try_it", "log"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        pending = Q(deliveries__state=State.PENDING.value)
        return super().get_queryset(request).annotate(pending=Count("deliveries", filter=pending))

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        if obj.active:
            obj.disabled = None
        super().save_model(request, obj, form, change)
        if form.cleaned_data.get("secret") and obj.kind != Kind.WEBHOOK:
            endpoints.set_secret(obj, form.cleaned_data["secret"], by=request.user)

    def response_add(
        self, request: HttpRequest, obj: Endpoint, post_url_continue: Any = None
    ) -> HttpResponse:
        if obj.kind == Kind.WEBHOOK:
            return HttpResponseRedirect(self.url("new_secret", obj.pk))
        return super().response_add(request, obj, post_url_continue)

    @display(description=_("kind"), ordering="kind")
    def kind_words(self, endpoint: Endpoint) -> str:
        return str(KIND_WORDS[Kind(endpoint.kind)])

    @display(description=_("state"), label={"on": "success", "off": "danger", "mute": "warning"})
    def state_label(self, endpoint: Endpoint) -> tuple[str, Any]:
        if endpoint.disabled:
            return "off", _("switched off by its answer (410)")
        if not endpoint.active:
            return "off", _("off")
        return ("on", _("on")) if endpoint.sealed is not None else ("mute", _("no secret yet"))

    @display(description=_("waiting"))
    def waiting(self, endpoint: Endpoint) -> str:
        return str(endpoint.pending or "–")

    @display(description=_("latest attempt"))
    def latest(self, endpoint: Endpoint) -> str:
        found = endpoint.deliveries.filter(tries__gt=0).first()
        if found is None:
            return "–"
        return found.error or str(STATE_WORDS[State(found.state)])

    # --- Done on POST ---------------------------------------------------------------------------------

    def has_hook_permission(self, request: HttpRequest, obj: object = None) -> bool:
        known = Endpoint.objects.filter(pk=str(obj), kind=Kind.WEBHOOK.value) if obj else None
        return request.user.has_perm("access.change_endpoint") and (known is None or known.exists())

    def has_log_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.view_delivery")

    @action(description=_("New secret"), icon="key", permissions=["hook"], url_path="new-secret")
    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.seen(request, object_id)
        if request.method == "POST":
            response = self.page(
                request,
                "access/endpoint_secret.html",
                endpoint,
                title=_("Secret of %(endpoint)s") % {"endpoint": endpoint},
                secret=endpoints.issue_secret(endpoint, by=request.user),
            )
            response["Cache-Control"] = "no-store"
            return response
        return self.page(
            request,
            "access/confirm.html",
            endpoint,
            title=_("New secret for %(endpoint)s") % {"endpoint": endpoint},
            text=[
                _("Every message is signed with it, so that the receiver knows who sent it."),
                _("It is shown once. A secret issued before signs nothing more, from the next message on."),
            ],
            button=_("Show a new secret"),
        )

    @action(description=_("Send a test"), icon="send", permissions=["hook"], url_path="try-it")
    def try_it(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.seen(request, object_id)
        if request.method == "POST":
            deliveries.try_out(endpoint, by=request.user)
            messages.success(request, _("On its way; what comes of it stands in the log of deliveries."))
            return HttpResponseRedirect(self.log_of(endpoint))
        return self.page(
            request,
            "access/confirm.html",
            endpoint,
            title=_("Send a test to %(endpoint)s") % {"endpoint": endpoint},
            text=[_("One message of the type “test”, signed like any other. It names nobody.")],
            button=_("Send a test"),
        )

    @action(description=_("Deliveries"), icon="outbox", permissions=["log"])
    def log(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(self.log_of(self.seen(request, object_id)))

    def log_of(self, endpoint: Endpoint) -> str:
        return f"{reverse('admin:access_delivery_changelist')}?endpoint__id__exact={endpoint.pk}"


class StateFilter(DropdownFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> Sequence[tuple[str, Any]]:
        return [(str(key), text) for key, text in STATE_WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = ["endpoint", "event", "made_at", "state_label", "tries", "status", "error", "next_at"]
    list_filter = [StateFilter, ("endpoint", RelatedDropdownFilter), ("made", Days)]
    list_select_related = ["endpoint"]
    search_fields = ["=key", "event"]
    search_help_text = _("Key of what it told of, or an event such as punch.noted")
    fields = readonly_fields = [
        "endpoint",
        "event",
        "key",
        "message",
        "made_at",
        "state_words",
        "tries",
        "status",
        "error",
        "next_at",
        "finished",
    ]
    actions_detail = ["again"]

    @display(description=_("made (UTC)"), ordering="made")
    def made_at(self, delivery: Delivery) -> str:
        return utc(delivery.made)

    @display(description=_("state"), ordering="state", label=STATE_COLOURS)
    def state_label(self, delivery: Delivery) -> tuple[str, Any]:
        return delivery.state, STATE_WORDS[State(delivery.state)]

    @display(description=_("state"))
    def state_words(self, delivery: Delivery) -> str:
        return str(STATE_WORDS[State(delivery.state)])

    @display(description=_("next try (UTC)"), ordering="next_try")
    def next_at(self, delivery: Delivery) -> str:
        return utc(delivery.next_try) if delivery.state == State.PENDING else "–"

    @display(description=_("webhook-id"))
    def message(self, delivery: Delivery) -> str:
        return delivery.message_id

    def has_again_permission(self, request: HttpRequest, obj: object = None) -> bool:
        ended = [State.REFUSED.value, State.GIVEN_UP.value]
        known = Delivery.objects.filter(pk=str(obj), state__in=ended).exists() if obj else True
        return request.user.has_perm("access.change_endpoint") and known

    @action(description=_("Send again"), icon="replay", permissions=["again"])
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        delivery = self.seen(request, object_id)
        if request.method == "POST":
            if deliveries.again(delivery, by=request.user):
                messages.success(request, _("On its way again, for another 24 hours."))
            return HttpResponseRedirect(self.url("change", delivery.pk))
        return self.page(
            request,
            "access/confirm.html",
            delivery,
            title=_("Send this again"),
            text=[_("It keeps its id, so that a receiver who had it after all knows it again.")],
            button=_("Send again"),
        )
