"""Locking down a whole site in one action, and lifting it again: on the site's page and on the first one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from access.admin.audit import Audited
from access.admin.days import at_site
from access.doors import modes
from access.places import Site

RIGHT = "access.lock_down_site"


class WhyForm(forms.Form):
    """One click is enough: what is not typed reads "Emergency"."""

    why = forms.CharField(
        label=_("Why"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget({"placeholder": _("Emergency")}),
        help_text=_("Shown on the first page, beside your name. Can be left empty when every second counts."),
    )


def told(site: Site) -> str:
    """Since when, by whom and why."""
    since = at_site(site.locked_down, site.zone) if site.locked_down else "–"
    by = site.lockdown_by.get_username() if site.lockdown_by else "–"
    values = {"when": since, "by": by, "why": site.lockdown_why or "–"}
    return str(_("Locked down since %(when)s by %(by)s: %(why)s") % values)


class Lockdown(Audited):
    """The part of a site's admin that locks it down."""

    change_form_before_template = "access/site_lockdown.html"

    def may_lock(self, request: HttpRequest, key: Any, *, down: bool) -> bool:
        """The right, at a site that is or is not locked down; `key` is its key, or None."""
        there = Site.objects.filter(pk=getattr(key, "pk", key), locked_down__isnull=not down)
        return request.user.has_perm(RIGHT) and (key is None or there.exists())

    def has_lock_permission(self, request: HttpRequest, key: object = None) -> bool:
        return self.may_lock(request, key, down=False)

    def has_lift_permission(self, request: HttpRequest, key: object = None) -> bool:
        return self.may_lock(request, key, down=True)

    @display(description=_("doors"), label={"down": "danger", "open": "success"})
    def down(self, site: Site) -> tuple[str, Any]:
        return ("down", _("locked down")) if site.locked_down else ("open", _("as they are set"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        site = self.get_object(request, object_id)
        shown = {"lockdown": told(site)} if site is not None and site.locked_down else {}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | shown)

    @action(
        description=_("Lock down"),
        icon="gpp_maybe",
        variant=ActionVariant.DANGER,
        permissions=["lock"],
        url_path="lock-down",
    )
    def lock_down(self, request: HttpRequest, object_id: str) -> HttpResponse:
        site = self.seen(request, object_id)
        form = WhyForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            modes.lock_down(site, by=request.user, why=form.cleaned_data["why"] or str(_("Emergency")))
            messages.warning(request, _("%(site)s is locked down: no door opens.") % {"site": site})
            return HttpResponseRedirect(self.url("change", site.pk))
        return self.page(
            request,
            "access/confirm.html",
            site,
            title=_("Lock down %(site)s") % {"site": site},
            text=[
                _("From the next decision on, no door of this site opens for anybody, until it is lifted."),
                _("Locks that staff left unlocked are locked, and an alarm tells everybody who watches."),
                _("Ways out stay what their hardware makes them: this software never holds anybody in."),
            ],
            form=form,
            button=_("Lock down now"),
            danger=True,
        )

    @action(
        description=_("Lift the lockdown"),
        icon="lock_open",
        variant=ActionVariant.SUCCESS,
        permissions=["lift"],
        url_path="lift",
    )
    def lift(self, request: HttpRequest, object_id: str) -> HttpResponse:
        site = self.seen(request, object_id)
        if request.method == "POST":
            modes.lift(site, by=request.user)
            messages.success(request, _("Lifted: doors do again what they are set to."))
            return HttpResponseRedirect(self.url("change", site.pk))
        return self.page(
            request,
            "access/confirm.html",
            site,
            title=_("Lift the lockdown of %(site)s") % {"site": site},
            text=[told(site), _("Doors do again what they are set to, from the next decision on.")],
            button=_("Lift it"),
        )
