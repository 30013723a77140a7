"""People on screen: who they are, where they may go, what they agreed to, and their photographs.

Promise: a form is saved whole or not at all, photographs included; nobody is ever deleted.
"""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from access import audit, enrolment, people
from access.admin import cards, many, person_doors, photographs, zones
from access.admin.audit import Audited
from access.admin.person_form import PersonForm
from access.enrolment import Enrolment
from access.gallery import Faceprint, Gallery
from access.hours import reach
from access.people import Consent, ConsentText, Department, Person
from access.staff import Staff

# What a part of the form asks for beyond the right to change people.
RIGHTS = {
    "galleries": "access.change_gallery",
    "consent_text": "access.add_consent",
    "photographs": "access.add_photograph",
}
STATES = {
    "waiting": "info",
    "done": "success",
    "refused": "danger",
    "review": "warning",
    "approve": "warning",
}


class StandingFilter(DropdownFilter):
    """Erased people are shown only when asked for."""

    title = _("standing")
    parameter_name = "standing"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [
            ("", _("All but erased")),
            ("active", _("Active")),
            ("suspended", _("Suspended")),
            ("erased", _("Erased")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Person]) -> QuerySet[Person]:
        match self.value():
            case "active":
                return queryset.filter(active=True, erased=None)
            case "suspended":
                return queryset.filter(active=False, erased=None)
            case "erased":
                return queryset.exclude(erased=None)
        return queryset.filter(erased=None)


class GalleryFilter(DropdownFilter):
    title, parameter_name = _("gallery"), "gallery"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [(str(key), name) for key, name in Gallery.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Person]) -> QuerySet[Person]:
        chosen = str(self.value() or "")
        return queryset.filter(galleries=int(chosen)) if chosen.isdecimal() else queryset


class YesNoFilter(DropdownFilter):
    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Person]) -> QuerySet[Person]:
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(self.condition if self.value() == "yes" else ~self.condition)


class ConsentFilter(YesNoFilter):
    title, parameter_name = _("consent"), "consent"
    condition = Q(Exists(Consent.objects.filter(person=OuterRef("pk"), withdrawn=None)))


class FaceprintFilter(YesNoFilter):
    title, parameter_name = _("faceprints"), "faceprints"
    condition = Q(Exists(Faceprint.objects.filter(person=OuterRef("pk"), active=True)))


@admin.register(Department)
class DepartmentAdmin(Audited):
    list_display = ["name", "members", "managed_by"]
    search_fields = ["name"]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = Staff.objects.filter(is_staff=True, is_active=True).order_by("username")
        kwargs["widget"] = UnfoldAdminSelect2MultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @display(description=_("managers"))
    def managed_by(self, department: Department) -> str:
        return ", ".join(one.get_username() for one in department.managers.all()) or "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Department]:
        found = super().get_queryset(request)
        found = found.filter(pk__in=reach.departments_for(request.user)).prefetch_related("managers")
        return found.annotate(member_count=Count("people", filter=Q(people__erased=None), distinct=True))

    @display(description=_("people"), ordering="member_count")
    def members(self, department: Department) -> int:
        return department.member_count


@admin.register(ConsentText)
class ConsentTextAdmin(Audited):
    """Words somebody agreed to are never reworded: a new text gets a new version."""

    list_display = ["version", "language", "since", "agreed"]
    search_fields = ["version", "body"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConsentText]:
        in_force = Count("consent", filter=Q(consent__withdrawn=None))
        return super().get_queryset(request).annotate(in_force=in_force)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if obj is not None and Consent.objects.filter(text=obj).exists():
            return False
        return super().has_change_permission(request, obj)

    @display(description=_("published"), ordering="published")
    def since(self, text: ConsentText) -> str:
        return date_format(text.published, "j M Y")

    @display(description=_("consents in force"), ordering="in_force")
    def agreed(self, text: ConsentText) -> int:
        return text.in_force


@admin.register(Person)
class PersonAdmin(cards.Holder, zones.Inside, many.Many):
    person_path = "pk"
    form = PersonForm
    change_form_template = "access/person.html"
    list_display = ["who", "badge", "in_department", "standing", "consent", "faceprints", "enrolled"]
    list_filter = [
        ("department", RelatedDropdownFilter),
        GalleryFilter,
        StandingFilter,
        ConsentFilter,
        FaceprintFilter,
    ]
    list_select_related = ["department"]
    search_fields = ["badge", "name"]
    search_help_text = _("Name or badge number")
    readonly_fields = ["gallery_names"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Person], search_term: str
    ) -> tuple[QuerySet[Person], bool]:
        """Where another form asks for somebody, nobody who was erased is offered."""
        found, doubled = super().get_search_results(request, queryset, search_term)
        return (found.filter(erased=None) if "model_name" in request.GET else found), doubled

    # --- The list ---------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        consents = Consent.objects.filter(person=OuterRef("pk"), withdrawn=None)
        prints = Faceprint.objects.filter(person=OuterRef("pk"), active=True).order_by()
        counted = prints.values("person").annotate(n=Count("id")).values("n")
        latest = Enrolment.objects.filter(person=OuterRef("pk")).order_by("-submitted")
        return (
            super()
            .get_queryset(request)
            .annotate(
                consent_version=Subquery(consents.values("text__version")[:1]),
                faceprint_count=Subquery(counted),
                last_enrolment=Subquery(latest.values("state")[:1]),
            )
        )

    @display(description=_("name"), ordering="name")
    def who(self, person: Person) -> str:
        if person.demo:
            return format_html('{} <span class="lintel-quiet">{}</span>', person.name, _("demo"))
        return person.name

    @display(description=_("department"), ordering="department__name")
    def in_department(self, person: Person) -> str:
        return str(person.department or "–")

    @display(
        description=_("standing"),
        ordering="active",
        label={"active": "success", "suspended": "danger", "erased": "default"},
    )
    def standing(self, person: Person) -> tuple[str, Any]:
        if person.erased:
            return "erased", _("erased")
        return ("active", _("active")) if person.active else ("suspended", _("suspended"))

    @display(description=_("consent"), label={"yes": "success", "no": "warning", "unasked": "default"})
    def consent(self, person: Person) -> tuple[str, Any]:
        version = getattr(person, "consent_version", None)
        if version:
            return "yes", _("yes, %(version)s") % {"version": version}
        # Nobody need agree: whoever passes otherwise lacks nothing.
        return ("unasked", _("without a face")) if person.without_face else ("no", _("no"))

    @display(description=_("faceprints"), ordering=F("faceprint_count").asc(nulls_first=True))
    def faceprints(self, person: Person) -> int:
        return person.faceprint_count or 0

    @display(description=_("enrolment"), ordering="last_enrolment", label=STATES)
    def enrolled(self, person: Person) -> tuple[str, str] | None:
        if not person.last_enrolment:
            return None
        return person.last_enrolment, str(Enrolment.State(person.last_enrolment).label)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "department":
            kwargs["queryset"] = reach.departments_for(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    # --- The form ---------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Person | None = None) -> list[Any]:
        """What this login may change; the galleries are named to those who may not change them."""
        allowed = self.allowed(request) if self.may_edit(request, obj) else []
        parts: list[Any] = [
            (None, {"fields": ["name", "badge", "payroll_number", "department", "manager", "active"]})
        ]
        galleries = "galleries" if "galleries" in allowed else "gallery_names" if obj else None
        if galleries:
            where = [galleries, "valid_from", "valid_until", "without_face"]
            parts.append((_("Where this person may go"), {"fields": where}))
        if "consent_text" in allowed:
            parts.append((_("Consent"), {"fields": ["consent_text"]}))
        if "photographs" in allowed:
            parts.append((_("New photographs"), {"fields": ["photographs"]}))
        return parts

    def may_edit(self, request: HttpRequest, obj: Person | None) -> bool:
        return self.has_change_permission(request, obj) if obj else self.has_add_permission(request)

    @display(description=_("galleries"))
    def gallery_names(self, person: Person) -> str:
        return ", ".join(person.galleries.values_list("name", flat=True)) or str(_("none"))

    def allowed(self, request: HttpRequest) -> list[str]:
        return [name for name, right in RIGHTS.items() if request.user.has_perm(right)]

    def get_form(
        self, request: HttpRequest, obj: Person | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        form = super().get_form(request, obj, change, **kwargs)
        for name in set(RIGHTS) - set(self.allowed(request)):
            form.base_fields.pop(name, None)  # not only hidden: what is posted all the same is not read
        sent = int(request.META.get("CONTENT_LENGTH") or 0)
        form.oversized = sent > settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if isinstance(obj, Person) and obj.erased:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # punches and decisions name this row for good: erase empties it instead

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except enrolment.NoConsent:
            # Withdrawn by somebody else while this form was open; everything was rolled back.
            messages.error(request, _("Nothing was saved: the consent was withdrawn meanwhile."))
            return HttpResponseRedirect(request.path)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        extra = dict(extra_context or {})
        person = self.get_object(request, object_id)
        if person is not None and self.has_view_or_change_permission(request, person):
            extra["standing"] = self.summary(person)
            if not person.erased:
                extra["doors"] = person_doors.panel(request, person)
            if request.method == "GET" and photographs.may_look(request) and person.photographs.exists():
                extra["photographs"] = photographs.panel(
                    request, person, photographs.new_ticket(request, person)
                )
        return super().change_view(request, object_id, form_url, extra)

    def summary(self, person: Person) -> dict[str, Any]:
        """What the strip above the form says."""
        consent = person.consents.filter(withdrawn=None).select_related("text", "noted_by").first()
        return {"person": person, "consent": consent}

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """What has an entry of its own is not named twice."""
        own = {*RIGHTS, "active"}
        super().log_change(request, obj, [name for name in message if name not in own])

    def save_model(self, request: HttpRequest, obj: Person, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "active" in form.changed_data:
            (people.reactivate if obj.active else people.suspend)(obj, by=request.user)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """In the transaction of the form: galleries, then consent, then the photographs that need it."""
        super().save_related(request, form, formsets, change)
        person, given = form.instance, form.cleaned_data
        if "galleries" in given and "galleries" in form.changed_data:
            person.galleries.set(given["galleries"])
            keys = sorted(gallery.pk for gallery in given["galleries"])
            audit.record("person.galleries", person, by=request.user, galleries=keys)
        if given.get("consent_text"):
            people.note_consent(person, given["consent_text"], by=request.user)
        if given.get("photographs"):
            enrolment.submit(person, given["photographs"], by=request.user)

    def response_add(self, request: HttpRequest, obj: Model, post_url_continue: str | None = None) -> Any:
        response = super().response_add(request, obj, post_url_continue)
        return response if "_addanother" in request.POST else self.to_page(obj)

    def response_change(self, request: HttpRequest, obj: Model) -> Any:
        """Whoever handed in photographs wants to see what becomes of them."""
        response = super().response_change(request, obj)
        return self.to_page(obj) if request.FILES and "_addanother" not in request.POST else response

    def subjects(self, obj: Person) -> list[str]:
        enrolments = obj.enrolments.values_list("pk", flat=True)
        return [*super().subjects(obj), *(f"enrolment:{key}" for key in enrolments)]
