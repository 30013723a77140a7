"""Sites and kiosks on screen. A kiosk's key is shown on one page, once, and kept nowhere."""

import zoneinfo
from base64 import b64encode
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from access import health, places
from access.admin.days import at_site
from access.admin.kept import Kept
from access.admin.lockdown import Lockdown
from access.health import SiteRisk
from access.kiosk import pages, pairing, unlocking
from access.people import Consent, Person
from access.places import Kiosk, KioskKey, Site


class SiteForm(ModelForm):
    zone = forms.ChoiceField(
        label=_("time zone"),
        initial="UTC",
        choices=lambda: [(name, name) for name in sorted(zoneinfo.available_timezones())],
        widget=UnfoldAdminSelectWidget,
        help_text=_("Punches and decisions of this site are shown in its own time."),
    )

    class Meta:
        model = Site
        fields = ["name", "zone", "keeps_access", "keeps_attendance", "false_identification_rate"]


class PinForm(forms.Form):
    pin = forms.RegexField(
        label=_("PIN"),
        regex=rf"^[0-9]{{{unlocking.LEAST_DIGITS},32}}$",
        error_messages={"invalid": _("Six digits or more.")},
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


def risk_in_words(risk: SiteRisk) -> str:
    """What the rate means to the people at the kiosks, in the numbers the doors use."""
    values = {
        "faceprints": f"{risk.faceprints:,}",
        "model": risk.model,
        "people": f"{round(1 / risk.rate):,}",
        "score": f"{risk.threshold or 0:.2f}",
    }
    if not risk.faceprints:
        return _("No faceprint of %(model)s can be found here, so everybody is unknown.") % values
    if risk.threshold is None:
        return _("%(model)s has no calibration, so nobody may be named here.") % values
    text = (
        _(
            "With %(faceprints)s faceprints and %(model)s, about 1 in %(people)s unknown people at a kiosk "
            "would be taken for somebody; the score needed is %(score)s."
        )
        % values
    )
    if risk.extrapolated:
        text += " " + _("No score this strict was measured; this one is extrapolated, towards refusing.")
    return text


def agreed(site: Site, purpose: str) -> str:
    """How many of the people who can be found at this site agreed to a text that covers the purpose."""
    if site.pk is None:
        return "–"
    people = Person.objects.filter(galleries__sites=site, active=True, erased=None).distinct()
    covering = Consent.objects.filter(person=OuterRef("pk"), withdrawn=None, **{f"text__{purpose}": True})
    asked, without = people.filter(without_face=False), people.filter(without_face=True).count()
    text = _("%(agreed)d of %(asked)d people who show their face here agreed to it.") % {
        "agreed": asked.filter(Exists(covering)).count(),
        "asked": asked.count(),
    }
    if without:
        text += " " + _("%(count)d pass without a face and need not agree.") % {"count": without}
    return str(text)


@admin.register(Site)
class SiteAdmin(Lockdown, Kept):
    form = SiteForm
    decided_by = "kiosk__door__site"
    list_display = ["name", "zone", "down", "purposes", "marked"]
    search_fields = ["name"]
    fieldsets = [
        (None, {"fields": ["name", "zone"]}),
        (
            _("What it is used for"),
            {
                "fields": ["keeps_access", "access_agreed", "keeps_attendance", "attendance_agreed"],
                "description": _(
                    "Opening doors and keeping attendance are two purposes, each with a consent of its own. "
                    "Either can be switched off, and the other goes on."
                ),
            },
        ),
        (_("Taken for somebody else"), {"fields": ["false_identification_rate", "risk"]}),
        (_("Kiosks"), {"fields": ["pinned"]}),
    ]
    readonly_fields = ["access_agreed", "attendance_agreed", "risk", "pinned"]
    actions_detail = ["lock_down", "lift", "kiosk_pin"]

    def has_pin_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.change_site")

    @display(description=_("used for"))
    def purposes(self, site: Site) -> str:
        used = [(site.keeps_access, _("doors")), (site.keeps_attendance, _("attendance"))]
        return ", ".join(str(name) for on, name in used if on) or str(_("nothing"))

    @display(description=_("consent to that"))
    def access_agreed(self, site: Site) -> str:
        return agreed(site, "for_access")

    @display(description=_("consent to that"))
    def attendance_agreed(self, site: Site) -> str:
        return agreed(site, "for_attendance")

    @display(description=_("PIN for staff"))
    def pinned(self, site: Site) -> str:
        return str(_("set") if site.kiosk_pin else _("none: nobody can open a kiosk's settings"))

    @action(description=_("Kiosk PIN"), icon="pin", permissions=["pin"])
    def kiosk_pin(self, request: HttpRequest, object_id: str) -> HttpResponse:
        site = self.seen(request, object_id)
        form = PinForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            unlocking.set_pin(site, form.cleaned_data["pin"], by=request.user)
            messages.success(request, _("The kiosks of this site ask for the new PIN from now on."))
            return HttpResponseRedirect(self.url("change", site.pk))
        return self.page(
            request,
            "access/confirm.html",
            site,
            title=_("Kiosk PIN of %(site)s") % {"site": site},
            text=[
                _("Staff need it to open the settings of a kiosk page or to leave it. It opens no door."),
                _("Only a digest is kept: a forgotten PIN is replaced by a new one."),
            ],
            form=form,
            button=_("Set the PIN"),
        )

    @display(description=_("what it means today"))
    def risk(self, site: Site) -> str:
        risk = health.risk_at(site) if site.pk else None
        if risk is None or risk.rate != site.wanted_rate:
            return str(
                _("The next worker to sign in works it out, within seconds of its start or of a change.")
            )
        when = _("Worked out %(time)s.") % {"time": at_site(risk.updated, site.zone)}
        return f"{risk_in_words(risk)} {when}"

    @display(description=_("demo"), label="warning")
    def marked(self, site: Site) -> str:
        return str(_("demo")) if site.demo else ""


class KeysInline(TabularInline):
    model = KioskKey
    verbose_name_plural = _("Keys")
    fields = ["hint", "issued_at", "ends_at", "in_force"]
    readonly_fields = fields
    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description=_("issued"))
    def issued_at(self, key: KioskKey) -> str:
        return at_site(key.issued, key.kiosk.door.site.zone)

    @display(description=_("ends or ended"))
    def ends_at(self, key: KioskKey) -> str:
        ends = [moment for moment in (key.expires, key.revoked) if moment]
        return at_site(min(ends), key.kiosk.door.site.zone) if ends else "–"

    @display(description=_("in force"), boolean=True)
    def in_force(self, key: KioskKey) -> bool:
        return key.revoked is None and (key.expires is None or key.expires > timezone.now())


class OverlapForm(forms.Form):
    overlap = forms.TypedChoiceField(
        label=_("The old key ends"),
        coerce=int,
        choices=[(0, _("at once")), (1, _("in one hour")), (24, _("in 24 hours"))],
        widget=UnfoldAdminSelectWidget,
    )


@admin.register(Kiosk)
class KioskAdmin(Kept):
    decided_by = "kiosk"
    list_display = ["name", "door", "direction", "switched_on", "keyed", "seen_last"]
    list_filter = [("door__site", RelatedDropdownFilter), "active"]
    list_select_related = ["door__site"]
    search_fields = ["name", "door__name", "door__site__name"]
    fieldsets = [
        (None, {"fields": ["door", "name", "active"]}),
        (_("At the door"), {"fields": ["direction", "faces"]}),
        (_("The page on its tablet"), {"fields": ["said"]}),
    ]
    readonly_fields = ["said"]
    inlines = [KeysInline]
    actions_detail = ["pair", "issue", "roll", "revoke"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Kiosk]:
        fresh = Q(expires=None) | Q(expires__gt=Now())
        keys = KioskKey.objects.filter(fresh, kiosk=OuterRef("pk"), revoked=None)
        return super().get_queryset(request).annotate(has_key=Exists(keys))

    @display(description=_("state"), label={"on": "success", "off": "danger"}, ordering="active")
    def switched_on(self, kiosk: Kiosk) -> tuple[str, Any]:
        return ("on", _("on")) if kiosk.active else ("off", _("off"))

    @display(description=_("key"), label={"yes": "success", "no": "warning"})
    def keyed(self, kiosk: Kiosk) -> tuple[str, Any]:
        return ("yes", _("in force")) if kiosk.has_key else ("no", _("none"))

    @display(description=_("last seen"), ordering="last_seen", empty_value=_("never"))
    def seen_last(self, kiosk: Kiosk) -> str | None:
        return at_site(kiosk.last_seen, kiosk.door.site.zone) if kiosk.last_seen else None

    @display(description=_("what it said last"))
    def said(self, kiosk: Kiosk) -> str:
        if kiosk.reported is None:
            return str(_("Nothing yet: no tablet is paired, or this kiosk is a program."))
        zone = kiosk.door.site.zone
        text = _("%(time)s: version %(version)s, %(queued)d events waiting, clock off by %(offset).1f s.") % {
            "time": at_site(kiosk.reported, zone),
            "version": kiosk.version,
            "queued": kiosk.queued or 0,
            "offset": (kiosk.clock_offset_ms or 0) / 1000,
        }
        held = kiosk.keys.filter(revoked=None, bundle_until__isnull=False).order_by("-bundle_until").first()
        if held is None:
            return text
        return f"{text} " + _("Its offline data name %(people)d people and end %(time)s.") % {
            "people": held.bundle_people or 0,
            "time": at_site(held.bundle_until, zone),
        }

    # --- Keys: asked for on one page, done on POST ------------------------------------------------

    def has_key_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.add_kioskkey")

    def has_revoke_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.change_kioskkey")

    @action(description=_("Pair a tablet"), icon="tablet", permissions=["key"])
    def pair(self, request: HttpRequest, object_id: str) -> HttpResponse:
        kiosk = self.seen(request, object_id)
        if request.method == "POST":
            code, expires = pairing.offer(kiosk, by=request.user)
            address = request.build_absolute_uri(reverse("kiosk:page"))
            response = self.page(
                request,
                "access/kiosk_pairing.html",
                kiosk,
                title=_("Pair a tablet with %(kiosk)s") % {"kiosk": kiosk},
                code=code,
                address=address,
                until=at_site(expires, kiosk.door.site.zone),
                picture=b64encode(pages.code(f"{address}#pair={code}")).decode(),
            )
            response["Cache-Control"] = "no-store"
            return response
        return self.page(
            request,
            "access/confirm.html",
            kiosk,
            title=_("Pair a tablet with %(kiosk)s") % {"kiosk": kiosk},
            text=[
                _("You get a code that works once and for ten minutes. Open it on the tablet."),
                _("The tablet makes its own key. A tablet paired with it before is paired no longer."),
            ],
            button=_("Make a code"),
        )

    @action(description=_("Issue key"), icon="key", permissions=["key"])
    def issue(self, request: HttpRequest, object_id: str) -> HttpResponse:
        kiosk = self.seen(request, object_id)
        if request.method == "POST":
            return self.shown_once(request, kiosk, places.issue_key(kiosk, by=request.user))
        return self.page(
            request,
            "access/confirm.html",
            kiosk,
            title=_("Issue a key for %(kiosk)s") % {"kiosk": kiosk},
            text=[_("The kiosk gets one more key. Keys already in force stay in force.")],
            button=_("Issue key"),
        )

    @action(description=_("Roll key"), icon="autorenew", permissions=["key"])
    def roll(self, request: HttpRequest, object_id: str) -> HttpResponse:
        kiosk = self.seen(request, object_id)
        form = OverlapForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            overlap = timedelta(hours=form.cleaned_data["overlap"])
            return self.shown_once(request, kiosk, places.roll_key(kiosk, overlap=overlap, by=request.user))
        return self.page(
            request,
            "access/confirm.html",
            kiosk,
            title=_("Roll the key of %(kiosk)s") % {"kiosk": kiosk},
            text=[_("The kiosk gets a new key, and the keys now in force end.")],
            form=form,
            button=_("Roll key"),
        )

    @action(description=_("Revoke keys"), icon="key_off", permissions=["revoke"])
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        kiosk = self.seen(request, object_id)
        if request.method == "POST":
            ended = places.revoke_keys(kiosk, by=request.user)
            messages.success(request, _("Revoked: %(count)d. The kiosk is locked out.") % {"count": ended})
            return HttpResponseRedirect(self.url("change", kiosk.pk))
        return self.page(
            request,
            "access/confirm.html",
            kiosk,
            title=_("Revoke all keys of %(kiosk)s") % {"kiosk": kiosk},
            text=[
                _("Every key of this kiosk ends now and for good."),
                _("From its next request on the kiosk is turned away, until it is issued a new key."),
            ],
            button=_("Revoke all keys"),
            danger=True,
        )

    def shown_once(self, request: HttpRequest, kiosk: Kiosk, key: str) -> HttpResponse:
        """The one page that carries the key; the browser may not keep it."""
        response = self.page(
            request,
            "access/kiosk_key.html",
            kiosk,
            title=_("Key for %(kiosk)s") % {"kiosk": kiosk},
            key=key,
            address=request.build_absolute_uri(reverse("api:snapshots")),
        )
        response["Cache-Control"] = "no-store"
        return response
