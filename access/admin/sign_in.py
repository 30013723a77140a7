"""The pages of signing in: name and password, the code after it, and setting the second factor up."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from unfold.forms import AuthenticationForm as ThemeForm
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from access import audit, signin
from access.staff import Staff


class SignInForm(ThemeForm):
    """Name and password; tries are counted before the password is looked at."""

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username") or ""
        wait = signin.wait_before(self.request, name)
        if wait:
            raise ValidationError(waiting(wait), code="wait")
        try:
            cleaned = super().clean()
        except ValidationError:
            tried = Staff.objects.filter(username=name).first()
            audit.record("staff.sign_in_failed", tried or "staff:unknown")
            raise
        staff = self.get_user()
        if staff is None:
            return cleaned  # a field is empty, which the form says by itself
        signin.note_right(self.request, name)
        if settings.SECOND_FACTOR != "required" and not signin.has_factor(staff):
            signin.note_fresh(self.request)
            audit.record("staff.signed_in", staff, by=staff)
        return cleaned


# Not by the theme's setting: it would import the admin before the theme has made its site.
admin.site.login_form = SignInForm


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(
            attrs={
                "autocomplete": "one-time-code",
                "autofocus": "",
                "inputmode": "text",
                "spellcheck": "false",
            }
        ),
        help_text=gettext_lazy("Six digits from your authenticator app, or one of your recovery codes."),
    )


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password", "autofocus": ""}),
    )


def waiting(wait: Any) -> str:
    seconds = math.ceil(wait.total_seconds())
    if seconds <= 90:
        return ngettext(
            "Too many tries. Please wait %(n)d second.", "Too many tries. Please wait %(n)d seconds.", seconds
        ) % {"n": seconds}
    minutes = math.ceil(seconds / 60)
    return ngettext(
        "Too many tries. Please wait %(n)d minute.", "Too many tries. Please wait %(n)d minutes.", minutes
    ) % {"n": minutes}


@never_cache
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    """The theme's page for name and password; who has shown those is sent on to the code."""
    if request.half_signed_in and request.method == "GET":  # type: ignore[attr-defined]
        return onward(request, "code")
    if getattr(request, "session_ended", False):
        messages.info(request, _("You were signed out, because nothing happened for a while."))
    return admin.site.login(request)


@never_cache
@sensitive_post_parameters("code")
def code(request: HttpRequest) -> HttpResponse:
    """The second half of signing in."""
    staff = request.half_signed_in  # type: ignore[attr-defined]
    if staff is None:
        return HttpResponseRedirect(reverse("admin:login"))
    if not signin.has_factor(staff):
        return onward(request, "second_factor")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wait = signin.wait_before(request, f"code of {staff.pk}")
        if wait:
            form.add_error(None, waiting(wait))
        elif signin.check_code(staff, form.cleaned_data["code"]):
            signin.note_right(request, f"code of {staff.pk}")
            signin.note_proved(request, staff)
            return HttpResponseRedirect(target(request))
        else:
            audit.record("staff.sign_in_failed", staff)
            form.add_error(None, _("That code is not right, or was used before. Wait for the next one."))
    return page(
        request, "access/sign_in_code.html", title=_("Second step"), form=form, half=staff.get_username()
    )


@never_cache
def second_factor(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app, or take it away again."""
    staff = request.half_signed_in or request.user  # type: ignore[attr-defined]
    if not staff.is_authenticated:
        return HttpResponseRedirect(f"{reverse('admin:login')}?{urlencode({'next': request.path})}")
    if signin.has_factor(staff):
        if request.half_signed_in:  # type: ignore[attr-defined]
            return onward(request, "code")
        return remove(request, staff)
    form = CodeForm(request.POST or None)
    form.fields["code"].help_text = _("Six digits that the app shows now.")
    if request.method == "POST" and form.is_valid():
        wait = signin.wait_before(request, f"code of {staff.pk}")
        codes = None if wait else signin.confirm_factor(staff, form.cleaned_data["code"])
        if codes:
            signin.note_right(request, f"code of {staff.pk}")
            signin.note_proved(request, staff)
            return page(
                request,
                "access/recovery_codes.html",
                title=_("Your recovery codes"),
                codes=codes,
                onward=target(request),
            )
        form.add_error(None, waiting(wait) if wait else _("That code is not right. Is the phone's clock?"))
    secret = signin.begin_factor(staff)
    picture = segno.make(signin.address_for(staff, secret), error="m").svg_data_uri(
        scale=5, border=2, dark="#0f172a", light="#ffffff"
    )
    return page(
        request,
        "access/second_factor.html",
        title=_("Second factor"),
        form=form,
        picture=picture,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        demanded=settings.SECOND_FACTOR == "required",
    )


def remove(request: HttpRequest, staff: Staff) -> HttpResponse:
    """One's own second factor, taken away by its own code."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wait = signin.wait_before(request, f"code of {staff.pk}")
        if not wait and signin.check_code(staff, form.cleaned_data["code"]):
            signin.note_right(request, f"code of {staff.pk}")
            signin.remove_factor(staff, by=staff)
            messages.success(request, _("Your second factor is removed."))
            return redirect("admin:index")
        form.add_error(None, waiting(wait) if wait else _("That code is not right, or was used before."))
    return page(
        request,
        "access/second_factor.html",
        title=_("Second factor"),
        form=form,
        there=True,
        demanded=settings.SECOND_FACTOR == "required",
    )


@never_cache
@sensitive_post_parameters("password")
def again(request: HttpRequest) -> HttpResponse:
    """The password once more, before what cannot be undone."""
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("admin:login"))
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = request.user.get_username()
        wait = signin.wait_before(request, name)
        if not wait and request.user.check_password(form.cleaned_data["password"]):
            signin.note_right(request, name)
            signin.note_fresh(request)
            return HttpResponseRedirect(target(request))
        form.add_error(None, waiting(wait) if wait else _("That password is not right."))
    return page(request, "access/sign_in_again.html", title=_("Please confirm that it is you"), form=form)


def asks_again(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a method of an admin class: the password must have been given within the last minutes."""

    @wraps(view)
    def asked(self: Any, request: HttpRequest, *args: Any, **values: Any) -> HttpResponse:
        if signin.is_fresh(request):
            return view(self, request, *args, **values)
        return HttpResponseRedirect(f"{reverse('again')}?{urlencode({'next': request.get_full_path()})}")

    return asked


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Give up half a sign-in, or a whole one."""
    logout(request)
    return HttpResponseRedirect(reverse("admin:login"))


def page(request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
    frame = admin.site.each_context(request)
    return TemplateResponse(request, template, frame | {"next": target(request)} | context)


def target(request: HttpRequest) -> str:
    """Where to go afterwards: only ever to ourselves."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if own else reverse("admin:index")


def onward(request: HttpRequest, name: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse(name)}?{urlencode({'next': target(request)})}")
