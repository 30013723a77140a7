"""Programs and their tokens on screen: issued on one page, shown once, revoked with one button."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from access import programs
from access.admin import sign_in
from access.admin.audit import ReadOnly, utc
from access.programs import Program
from access.roles import Role


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("What calls"),
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("So that you know later whose token this is: “Payroll export”, “Intranet board”."),
    )
    held = forms.MultipleChoiceField(
        label=_("May do what"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("No more than you may yourself, now and later. Choose as little as it needs."),
    )
    days = forms.TypedChoiceField(
        label=_("Good for"),
        coerce=int,
        initial=90,
        choices=[(30, _("30 days")), (90, _("90 days")), (180, _("180 days")), (365, _("a year"))],
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, staff: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = programs.roles_of(staff)
        self.fields["held"].choices = [(role, Role(role).label) for role in own]


@admin.register(Program)
class ProgramAdmin(ReadOnly):
    list_display = ["name", "acts_for", "may", "standing", "ends", "called"]
    list_select_related = ["staff"]
    search_fields = ["name", "staff__username"]
    fields = ["name", "acts_for", "may", "begins_with", "issued_at", "ends", "called", "stands"]
    readonly_fields = fields
    actions_list = ["issue"]
    actions_detail = ["revoke"]

    @display(description=_("acts for"), ordering="staff__username")
    def acts_for(self, program: Program) -> str:
        return program.staff.get_username()

    @display(description=_("may do what"))
    def may(self, program: Program) -> str:
        known = dict(Role.choices)
        return ", ".join(str(known.get(role, role)).partition(":")[0] for role in program.roles)

    @display(description=_("token begins with"))
    def begins_with(self, program: Program) -> str:
        return f"{program.hint}…"

    @display(description=_("state"), label={"good": "success", "over": "default", "revoked": "danger"})
    def standing(self, program: Program) -> tuple[str, Any]:
        if program.revoked:
            return "revoked", _("revoked")
        return ("good", _("good")) if program.expires > timezone.now() else ("over", _("ended"))

    @display(description=_("state"))
    def stands(self, program: Program) -> str:
        return str(self.standing(program)[1])

    @display(description=_("issued (UTC)"))
    def issued_at(self, program: Program) -> str:
        return utc(program.issued)

    @display(description=_("ends (UTC)"), ordering="expires")
    def ends(self, program: Program) -> str:
        return utc(program.expires)

    @display(description=_("last call (UTC)"), ordering="last_used", empty_value=_("never"))
    def called(self, program: Program) -> str | None:
        return utc(program.last_used) if program.last_used else None

    def has_issue_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.add_program")

    def has_revoke_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of a token that is still good; `obj` is its key."""
        key = getattr(obj, "pk", obj)
        good = key is None or Program.objects.filter(pk=key, revoked=None).exists()
        return request.user.has_perm("access.change_program") and good

    @action(description=_("Issue a token"), icon="key", permissions=["issue"], url_path="issue")
    @sign_in.asks_again
    def issue(self, request: HttpRequest) -> HttpResponse:
        form = TokenForm(request.POST or None, staff=request.user)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            made, token = programs.issue(request.user, given["name"], given["held"], days=given["days"])
            response = self.page(
                request,
                "access/program_token.html",
                made,
                title=_("Token for %(program)s") % {"program": made},
                token=token,
                until=utc(made.expires),
                address=request.build_absolute_uri(reverse("api:people")),
            )
            response["Cache-Control"] = "no-store"
            return response
        return self.page(
            request,
            "access/confirm.html",
            None,
            title=_("Issue a token for a program"),
            text=[
                _("A program with this token calls the API for you. What it does is on record as yours."),
                _("The token is shown once, on the next page."),
            ],
            form=form,
            button=_("Issue the token"),
        )

    @action(description=_("Revoke"), icon="key_off", permissions=["revoke"])
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        program = self.seen(request, object_id)
        if request.method == "POST":
            programs.revoke(program, by=request.user)
            messages.success(request, _("Revoked: its next call is turned away."))
            return HttpResponseRedirect(self.url("change", program.pk))
        return self.page(
            request,
            "access/confirm.html",
            program,
            title=_("Revoke the token of %(program)s") % {"program": program},
            text=[
                _("The program is turned away from its next call on, for good. A new token can be issued.")
            ],
            button=_("Revoke"),
            danger=True,
        )
