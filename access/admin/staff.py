"""Logins and groups. Only a superuser hands out rights: whoever may edit logins cannot promote one."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelect2MultipleWidget

from access import signin
from access.admin import sign_in
from access.admin.audit import Audited
from access.roles import Role
from access.signin import SecondFactor
from access.staff import Staff

RIGHTS = ["is_superuser", "roles", "groups", "user_permissions"]


class StaffCreationForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = Staff


class StaffChangeForm(UserChangeForm):
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("A manager's departments are named on the departments' pages."),
    )

    class Meta(UserChangeForm.Meta):
        model = Staff


class RoleFilter(DropdownFilter):
    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: object) -> Sequence[tuple[str, Any]]:
        return [(value, str(label).split(":")[0]) for value, label in Role.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Staff]) -> QuerySet[Staff]:
        return queryset.filter(roles__contains=[self.value()]) if self.value() else queryset


@admin.register(Staff)
class StaffAdmin(UserAdmin, Audited):
    form = StaffChangeForm
    add_form = StaffCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "last_name", "held", "is_active", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser", RoleFilter]
    actions_detail = ["forget_factor"]
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Who"), {"fields": ("first_name", "last_name", "email")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "roles")}),
        (_("Beyond the roles"), {"classes": ["collapse"], "fields": ("groups", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    list_filter_submit = False

    @display(description=_("roles"))
    def held(self, staff: Staff) -> str:
        return ", ".join(str(Role(role).label).split(":")[0] for role in staff.roles if role in Role.values)

    def has_forget_factor_permission(self, request: HttpRequest, key: object = None) -> bool:
        if not request.user.is_superuser:
            return False
        return key is None or SecondFactor.objects.filter(staff=getattr(key, "pk", key)).exists()

    @action(description=_("Remove second factor"), icon="phonelink_erase", permissions=["forget_factor"])
    @sign_in.asks_again
    def forget_factor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """For a lost phone: the login sets up a new one."""
        staff = self.seen(request, object_id)
        if request.method == "POST":
            signin.remove_factor(staff, by=request.user)
            messages.success(request, _("The second factor of %(staff)s is removed.") % {"staff": staff})
            return HttpResponseRedirect(self.url("change", staff.pk))
        return self.page(
            request,
            "access/confirm.html",
            staff,
            title=_("Remove the second factor of %(staff)s") % {"staff": staff},
            text=[_("Until they set up another one, their password alone signs them in.")],
            button=_("Remove"),
            danger=True,
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        given = list(super().get_readonly_fields(request, obj))
        return given if request.user.is_superuser else [*given, *RIGHTS]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_delete_permission(request, obj)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, Audited):
    """Who may edit a group may give its members any right, so this is for superusers alone."""

    filter_horizontal: Sequence[str] = ()

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = UnfoldAdminSelect2MultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser
