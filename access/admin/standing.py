"""What can be done with a person: suspend, reactivate, withdraw consent, erase.

Promise: each is asked on a page of its own and done only on POST; erasing shows a receipt.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant

from access import audit, erasure, people
from access.admin import sign_in
from access.admin.ledger import Ledger
from access.admin.person_form import EraseForm
from access.audit import AuditEntry
from access.people import Person

# Whose buttons stand in the panels that tell of them: eight at the top of the page would be too many.
IN_PANELS = ("issue_card", "issue_qr", "set_pin", "clear_pin", "enter_again")


class Standing(Ledger):
    """The part of a person's page that stands in its upper right corner."""

    actions_detail = [
        "webcam",
        "invite",
        {
            "title": _("More"),
            "icon": "more_horiz",
            "items": ["consents", "disclose", "withdraw", "suspend", "reactivate", "erase"],
        },
        *IN_PANELS,
    ]

    def to_page(self, obj: Model) -> HttpResponseRedirect:
        return HttpResponseRedirect(self.url("change", obj.pk))

    def may(self, request: HttpRequest, key: object, right: str, **standing: object) -> bool:
        """Whether this login has the right and the person, if one is meant, is as it must be."""
        if not request.user.has_perm(right):
            return False
        return (
            key is None or Person.objects.filter(pk=getattr(key, "pk", key), erased=None, **standing).exists()
        )

    def has_withdraw_permission(self, request: HttpRequest, key: object = None) -> bool:
        return self.may(
            request, key, "access.change_consent", consents__withdrawn=None, consents__isnull=False
        )

    def has_suspend_permission(self, request: HttpRequest, key: object = None) -> bool:
        return self.may(request, key, "access.change_person", active=True)

    def has_reactivate_permission(self, request: HttpRequest, key: object = None) -> bool:
        return self.may(request, key, "access.change_person", active=False)

    def has_erase_permission(self, request: HttpRequest, key: object = None) -> bool:
        return request.user.has_perm("access.delete_person")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        erased = Person.objects.filter(pk=object_id).exclude(erased=None).exists()
        found = [] if erased else super().get_actions_detail(request, object_id)
        hidden = {f"access_person_{name}" for name in IN_PANELS}
        return [one for one in found if getattr(one, "action_name", "") not in hidden]

    @action(description=_("Withdraw consent"), icon="contract_delete", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.seen(request, object_id)
        if request.method == "POST":
            people.withdraw_consent(person, by=request.user)
            messages.success(request, _("The consent was withdrawn. No door finds this face any more."))
            return self.to_page(person)
        return self.page(
            request,
            "access/confirm.html",
            person,
            title=_("Withdraw the consent of %(person)s") % {"person": person},
            text=[
                _("From the next decision on no door finds this face."),
                _("Photographs and faceprints are deleted in the next night."),
            ],
            button=_("Withdraw consent"),
            danger=True,
        )

    @action(description=_("Suspend"), icon="block", permissions=["suspend"])
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.seen(request, object_id)
        if request.method == "POST":
            people.suspend(person, by=request.user)
            messages.success(request, _("%(person)s is suspended.") % {"person": person})
            return self.to_page(person)
        return self.page(
            request,
            "access/confirm.html",
            person,
            title=_("Suspend %(person)s") % {"person": person},
            text=[
                _("Every door refuses this person from now on. It can be undone."),
                _("Nothing is deleted at once; the face goes once its days are over, see Retention."),
            ],
            button=_("Suspend"),
            danger=True,
        )

    @action(description=_("Reactivate"), icon="check_circle", permissions=["reactivate"])
    def reactivate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.seen(request, object_id)
        if request.method == "POST":
            people.reactivate(person, by=request.user)
            messages.success(request, _("%(person)s is active again.") % {"person": person})
            return self.to_page(person)
        return self.page(
            request,
            "access/confirm.html",
            person,
            title=_("Reactivate %(person)s") % {"person": person},
            text=[_("Doors let this person in again, as far as consent and galleries allow.")],
            button=_("Reactivate"),
        )

    @action(
        description=_("Erase"), icon="delete_forever", variant=ActionVariant.DANGER, permissions=["erase"]
    )
    @sign_in.asks_again
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks, erases, and shows the receipt, which stays readable here from the audit trail."""
        person = self.seen(request, object_id)
        if person.erased:
            return self.receipt(request, person)
        form = EraseForm(request.POST or None, badge=person.badge)
        if request.method == "POST" and form.is_valid():
            erasure.erase(person, by=request.user)
            return HttpResponseRedirect(request.path)
        return self.page(
            request,
            "access/erase.html",
            person,
            title=_("Erase %(person)s") % {"person": person},
            form=form,
            going=[
                (_("faceprints"), person.faceprints.count()),
                (_("photographs"), person.photographs.count()),
                (_("enrolments"), person.enrolments.count()),
                (_("gallery memberships"), person.galleries.count()),
            ],
            staying=[
                (_("punches"), person.punches.count()),
                (_("decisions"), person.decisions.count()),
                (_("consents"), person.consents.count()),
            ],
        )

    def receipt(self, request: HttpRequest, person: Person) -> HttpResponse:
        entry = AuditEntry.objects.filter(action="person.erased", subject=audit.name_of(person)).first()
        if entry is None:
            raise PermissionDenied
        return self.page(
            request,
            "access/receipt.html",
            person,
            title=_("Receipt of erasure"),
            entry=entry,
            lines=[line.split(": ", 1) for line in erasure.Receipt(**entry.details).lines()],
        )
